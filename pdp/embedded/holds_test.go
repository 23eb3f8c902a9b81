package embedded_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// TestHoldsWithSchemas has what the schemas take be a part of conditions, one
// beside a single alternative and one beside several, and holds them against what
// the engine decides, whatever its default version and scope are.
func TestHoldsWithSchemas(t *testing.T) {
	const policy = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: press
  version: "7"
  scope: hall
  rules:
    - {actions: [print], effect: EFFECT_ALLOW, roles: [CLERK], condition: {match: {expr: R.attr.job.args.copies < 9.0}}}
    - {actions: [print], effect: EFFECT_DENY, roles: [CLERK], condition: {match: {expr: R.attr.job.args.paper == " unless "}}}
    - {actions: [print], effect: EFFECT_ALLOW, roles: [CHIEF], condition: {match: {expr: R.attr.job.args.colour}}}
    - {actions: [print], effect: EFFECT_DENY, roles: [CHIEF], condition: {match: {expr: R.attr.job.args.draft}}}
`
	const base = `apiVersion: api.cerbos.dev/v1
resourcePolicy: {resource: press, version: "7", schemas: {resourceSchema: {ref: "cerbos:///job.json"}}, rules: []}
`
	const schema = `{"properties": {"job": {"properties": {"args": {"type": "object", "required": ["copies"], "properties": {"copies": {"type": "number"}}}}}}}`
	e := open(t, pdp.Options{Schemas: pdp.EnforceReject, DefaultPolicyVersion: "7", DefaultScope: "hall"}, policy, base, "// _schemas/job.json\n"+schema)
	request := func(arguments map[string]any, roles ...string) authz.Request {
		return authz.Request{
			Principal: &authz.Principal{ID: "p", Roles: roles}, Action: "print",
			Resource: authz.Resource{Kind: "press", ID: "t", Attr: map[string]any{"job": map[string]any{"args": arguments}}},
		}
	}
	for _, roles := range [][]string{{"CLERK"}, {"CLERK", "CHIEF"}} {
		left := request(map[string]any{}, roles...)
		left.Unknown = []string{"job", "args"}
		condition := pdptest.Decide(t, e, []authz.Request{left})[0].Condition
		want := map[int]string{
			1: `valid(arguments) && arguments.copies < 9.0 unless arguments.paper == " unless "`,
			2: `valid(arguments) && ((arguments.copies < 9.0 unless arguments.paper == " unless ") || (arguments.colour unless arguments.draft))`,
		}[len(roles)]
		if diff := cmp.Diff(want, condition.String()); diff != "" {
			t.Fatalf("%v (-want +got):\n%s", roles, diff)
		}
		seen := map[authz.Effect]int{}
		var given []pdp.Given
		var requests []authz.Request
		for _, copies := range []any{nil, 3.0, 12.0, "x"} {
			for _, paper := range []any{"A4", " unless ", 4.0} {
				for _, flags := range []map[string]any{{}, {"colour": true}, {"colour": true, "draft": true}, {"colour": 1.0, "draft": false}} {
					arguments := map[string]any{"paper": paper}
					for name, v := range flags {
						arguments[name] = v
					}
					if copies != nil {
						arguments["copies"] = copies
					}
					r := request(arguments, roles...)
					requests = append(requests, r)
					r.Unknown = left.Unknown
					given = append(given, pdp.Given{Condition: condition, Request: r})
				}
			}
		}
		held, err := e.Holds(t.Context(), given)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range pdptest.Decide(t, e, requests) {
			seen[d.Effect]++
			if held[i] != d.Effect {
				t.Errorf("%s is held to be %v, and %v is decided, with %v", condition, held[i], d.Effect, requests[i].Resource.Attr)
			}
		}
		if seen[authz.Allow] == 0 || seen[authz.Deny] == 0 {
			t.Errorf("nothing is tried: %v", seen)
		}
	}
}

// TestHoldsTells holds conditions of other forms, and those that do not tell.
func TestHoldsTells(t *testing.T) {
	e := open(t, pdp.Options{}, `apiVersion: api.cerbos.dev/v1
resourcePolicy: {resource: press, version: default, rules: [{actions: ["*"], effect: EFFECT_ALLOW, roles: ["*"]}]}
`)
	when := func(allows, denies string) authz.Condition {
		return authz.AnyOf(authz.Alternative{Allows: expr.Clause(allows), Denies: expr.Clause(denies)})
	}
	small, own := when("arguments.n < 5.0", ""), when("", "principal.guest")
	unwritten := authz.Unwritten("(depends on more)", expr.Clause("arguments.n < 5.0"))
	tests := []struct {
		authz.Condition
		n    any
		want authz.Effect
	}{
		{authz.Condition{}, nil, authz.Allow},
		{small, 3.0, authz.Allow},
		{small, 7.0, authz.Deny},
		{small, nil, authz.Deny},
		{small, "3", authz.Deny},
		{own, nil, authz.Deny},
		{when("", "principal.missing"), nil, authz.Allow},
		{when("resource.shelf == arguments.n && request.auxData.jwt.team == 'red'", ""), "A", authz.Allow},
		{when("P.id == 'p' && has(arguments.n)", ""), 1.0, authz.Allow},
		{authz.AllOf(small, when("arguments.n > 1.0", "")), 3.0, authz.Allow},
		{authz.AllOf(small, when("arguments.n > 1.0", "")), 0.0, authz.Deny},
		{unwritten, 3.0, authz.Conditional},
		{authz.AllOf(small, unwritten), 3.0, authz.Conditional},
		{authz.AllOf(small, unwritten), 7.0, authz.Deny},
		{when("has(V.quota)", ""), 3.0, authz.Conditional},
		{when("arguments.n == 3.0", "'clerk' in runtime.effectiveDerivedRoles"), 3.0, authz.Conditional},
		{when("arguments.n == 3.0", "'clerk' in runtime.effectiveDerivedRoles"), 4.0, authz.Deny},
		{when("valid(arguments)", ""), 3.0, authz.Conditional}, // no schema is enforced here
	}
	var given []pdp.Given
	for _, tt := range tests {
		attr := map[string]any{"shelf": "A", "args": map[string]any{}}
		if tt.n != nil {
			attr["args"] = map[string]any{"n": tt.n}
		}
		given = append(given, pdp.Given{Condition: tt.Condition, Request: authz.Request{
			Principal: &authz.Principal{ID: "p", Roles: []string{"A"}, Attr: map[string]any{"guest": true}, AuxData: map[string]any{"team": "red"}},
			Resource:  authz.Resource{Kind: "press", ID: "t", Attr: attr}, Action: "print", Unknown: []string{"args"},
		}})
	}
	held, err := e.Holds(t.Context(), given)
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range tests {
		if held[i] != tt.want {
			t.Errorf("%q with %v: %v, want %v", tt.Condition, tt.n, held[i], tt.want)
		}
	}
	if _, err := e.Holds(t.Context(), []pdp.Given{{Condition: when("arguments.n.nothing()", ""), Request: given[0].Request}}); err == nil {
		t.Error("what does not compile is answered")
	}
}

func TestClauseReads(t *testing.T) {
	tests := map[string]authz.Reads{
		`arguments.a.b == principal.c && arguments["d e"] > arguments.list[0].x`: {
			Arguments: [][]string{{"a", "b"}, {"d e"}, {"list"}}, Principal: [][]string{{"attr", "c"}},
		},
		`size(arguments) > 1 && valid(principal)`:                     {Arguments: [][]string{{}}, Principal: [][]string{{"attr"}}},
		`resource.owner == P.id || P.attr[arguments.k] == R.attr.z`:   {Arguments: [][]string{{"k"}}, Principal: [][]string{{"id"}, {"attr"}}, Resource: [][]string{{"attr", "owner"}, {"attr", "z"}}},
		`request.auxData.jwt.team == "principal.x now()"`:             {Principal: [][]string{{"auxData", "jwt", "team"}}},
		`arguments.l.exists(e, e.now == principal.?x.orValue(now()))`: {Arguments: [][]string{{"l"}}, Principal: [][]string{{"attr", "x"}}, Clock: true},
		`timestamp(arguments.t).timeSince() > duration("1h")`:         {Arguments: [][]string{{"t"}}, Clock: true},
		`has(V.quota) || "clerk" in runtime.effectiveDerivedRoles`:    {Policy: true},
		`request == arguments.r`:                                      {Arguments: [][]string{{"r"}}, Principal: [][]string{{}}, Resource: [][]string{{}}},
		`no CEL`:                                                      {Policy: true},
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, expr.Clause(text).Reads()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if c := expr.Clause(""); !c.IsZero() {
		t.Errorf("nothing is a clause: %v", c)
	}
}
