package embedded_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

const looksPolicy = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: ward
  version: default
  constants: {local: {beds: 12, floors: {low: [1, 2], "top one": 9}}}
  variables: {local: {own: R.attr.visit.nurse == P.id, team: P.attr.team, both: V.own && V.team == R.attr.team}}
  rules:
    - name: visit
      actions: [visit]
      effect: EFFECT_ALLOW
      roles: [NURSE]
      condition: {match: {expr: "V.both && C.beds > 1 && C.floors != {}"}}
`

var looksRequest = authz.Request{
	Action: "visit",
	Principal: &authz.Principal{
		ID: "nora", Roles: []string{"LEAD", "NURSE"}, PolicyVersion: "4", Scope: "north",
		Attr:    map[string]any{"team": "red", "a b": map[string]any{"c": nil}},
		AuxData: map[string]any{"sub": "nora", "aud": []any{"desk"}},
	},
	Resource: authz.Resource{Kind: "ward", ID: "w1", Attr: map[string]any{
		"team": "red", "visit": map[string]any{"nurse": "nora", "minutes": 30.5}, "list": []any{map[string]any{"x": 1.0}},
	}},
}

func TestLooks(t *testing.T) {
	e := open(t, pdp.Options{Globals: map[string]any{"site": map[string]any{"name": "north"}}}, looksPolicy)
	tests := map[string][]string{
		`R.attr.visit.nurse == P.attr.team`:                           {`R.attr.visit.nurse = "nora"`, `P.attr.team = "red"`},
		`P.attr.teams.exists(r, r == R.attr.team)`:                    {`P.attr.teams: missing`, `R.attr.team = "red"`},
		`P.attr["a b"]['c'] == null && R.attr["visit"].minutes > 1.0`: {`P.attr["a b"].c = <nil>`, `R.attr.visit.minutes = 30.5`},
		"R.attr.`visit`.nurse == request.resource.attr.team":          {`R.attr.visit.nurse = "nora"`, `request.resource.attr.team = "red"`},
		`R.attr["visit"]["nurse"] == "P.attr.no"`:                     {`R.attr.visit.nurse = "nora"`},
		`R.attr.list[0].x == 1.0 && R.attr[P.attr.team] == 1`:         {`R.attr.list = [map[x:1]]`, `R.attr: unknown`, `P.attr.team = "red"`},
		`R.attr.?visit.?hours.orValue(1) == 1`:                        {`R.attr.visit.hours: missing`},
		`R.attr[?"team"].orValue("x") == "y"`:                         {`R.attr.team = "red"`},
		`V.both && V.own && V.both || variables.team == "red"`: {
			`R.attr.visit.nurse = "nora"`, `P.id = "nora"`, `P.attr.team = "red"`, `R.attr.team = "red"`,
		},
		`C.beds > 3.0 && constants.floors["top one"] == C.floors.low[0]`:                {`C.beds = 12`, `constants.floors["top one"] = 9`, `C.floors.low = [1 2]`},
		`G.site.name == globals.site.town`:                                              {`G.site.name = "north"`, `globals.site.town: missing`},
		`request.principal.id == request.aux_data.jwt.sub`:                              {`request.principal.id = "nora"`, `request.aux_data.jwt.sub = "nora"`},
		`"desk" in request.auxData.jwt.aud`:                                             {`request.auxData.jwt.aud = [desk]`},
		`request.auxData.jwts.app.claims.sub == "x"`:                                    {`request.auxData.jwts.app.claims.sub: missing`},
		`now() > timestamp(R.attr.until) || now().getHours() < 6`:                       {`now(): unknown`, `R.attr.until: missing`},
		`P.scope == R.scope || P.policyVersion == R.policyVersion`:                      {`P.scope = "north"`, `R.scope = ""`, `P.policyVersion = "4"`, `R.policyVersion = ""`},
		`[P.id, "x"].hasIntersection(P.roles) && R.kind + R.id != "x"`:                  {`P.id = "nora"`, `P.roles = [LEAD NURSE]`, `R.kind = "ward"`, `R.id = "w1"`},
		"R.attr.team // and P.attr.b\n == 'it\\'s P.attr.c' || r\"\\\" == P.id":         {`R.attr.team = "red"`, `P.id = "nora"`},
		`R.attr.list.all(P, P.x == 1.0) && R.attr.list.map(i, i.now).size() > P.attr.n`: {`R.attr.list = [map[x:1]]`, `P.attr.n: missing`},
		`P == R || request == R.attr.r`:                                                 {`R.attr.r: missing`},
		`"`:                                                                             nil,
	}
	for text, want := range tests {
		var got []string
		for _, look := range e.Looks(pdp.Expression{Rule: "resource.ward.vdefault#visit", Text: text}) {
			switch v, known := look.In(&looksRequest); {
			case !known:
				got = append(got, look.Name+": unknown")
			case v.Error != "":
				got = append(got, look.Name+": "+v.Error)
			default:
				line := fmt.Sprintf("%s = %v", look.Name, v.V)
				if s, isText := v.V.(string); isText {
					line = fmt.Sprintf("%s = %q", look.Name, s)
				}
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if list := e.Looks(pdp.Expression{Rule: "resource.ward.vdefault#no-such", Text: "P.id == R.id"}); list != nil {
		t.Errorf("a rule that is not there looks at %v", list)
	}
}

// TestLooksAsTheEngine holds what is looked up against what the engine evaluates.
func TestLooksAsTheEngine(t *testing.T) {
	e := open(t, pdp.Options{Globals: map[string]any{"site": "north"}}, looksPolicy)
	texts := []string{
		"P.id", "P.roles", "P.scope", "P.policyVersion", "P.attr.team", `P.attr["a b"].c`, `P.attr["a b"].d`, "R.kind", "R.id", "R.scope", "R.policyVersion",
		"R.attr.visit", "R.attr.visit.minutes", "R.attr.visit.nurse.x", "R.attr.list", "request.auxData.jwt.aud", "request.aux_data.jwt.sub", "request.auxData.jwt.none",
		"C.beds", "C.floors.low", `C.floors["top one"]`, "G.site", "globals.town",
	}
	var list []pdp.Expression
	for _, text := range texts {
		list = append(list, pdp.Expression{Rule: "resource.ward.vdefault#visit", Text: text})
	}
	request := looksRequest
	who := *request.Principal
	who.Scope, who.PolicyVersion = "", ""
	request.Principal = &who
	values, err := e.Evaluate(t.Context(), request, list)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range list {
		looks := e.Looks(x)
		if len(looks) != 1 {
			t.Errorf("%s looks at %v", x.Text, looks)
			continue
		}
		got, known := looks[0].In(&request)
		want := values[i]
		if want.Error != "" {
			want = pdp.Value{Error: pdp.Missing}
		}
		if roles, ok := got.V.([]string); ok {
			got.V = []any{roles[0], roles[1]}
		}
		if diff := cmp.Diff(want, got); diff != "" || !known {
			t.Errorf("%s: known %v (-engine +looked up):\n%s", x.Text, known, diff)
		}
	}
	request.Unknown = []string{"visit"}
	for i, want := range map[int]bool{4: true, 11: false, 12: false, 14: true} {
		if _, known := e.Looks(list[i])[0].In(&request); known != want {
			t.Errorf("%s, with what is below visit left open: known %v", texts[i], known)
		}
	}
}
