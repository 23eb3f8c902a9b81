package apart_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// parts are what conditions are made of, about two arguments and an attribute.
var parts = []string{
	`R.attr.arguments.litres < 3`, `R.attr.arguments.litres <= 2`, `R.attr.arguments.litres >= 3`, `R.attr.arguments.litres == P.attr.quota`,
	`has(R.attr.arguments.well)`, `R.attr.arguments.well == "north"`, `R.attr.arguments.well in ["north", "south"]`, `R.attr.arguments.well.startsWith("no")`,
	`P.attr.quota < 2`, `R.attr.arguments.well != P.attr.home`, `V.small`, `"foreman" in P.roles`, `size(R.attr.arguments.well) > 4`,
}

var litres, wells = []any{nil, -1.0, 0.0, 1.0, 2.0, 2.5, 3.0, 4.0, "a", true}, []any{nil, "north", "south", "no", "x", "", "norther", 1.0}

var schemas = []string{
	`{"type": "object"}`,
	`{"type": "object", "properties": {"litres": {"type": "integer", "minimum": 1}, "well": {"type": "string"}}, "required": ["litres"]}`,
	`{"type": "object", "properties": {"litres": {"type": "number"}, "well": {"enum": ["north", "x"]}}, "additionalProperties": false}`,
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// condition returns the source of a condition.
func condition(r *rand.Rand) string {
	one := func() string {
		text := pick(r, parts)
		if r.IntN(4) == 0 {
			text = "!(" + text + ")"
		}
		if r.IntN(3) == 0 {
			text += pick(r, []string{" && ", " || "}) + pick(r, parts)
		}
		return fmt.Sprintf("expr: %q", text)
	}
	switch r.IntN(6) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(", condition: {match: {%s: {of: [{%s}, {%s}]}}}", pick(r, []string{"all", "any", "none"}), one(), one())
	}
	return ", condition: {match: {" + one() + "}}"
}

func rule(r *rand.Rand) string {
	whom := "roles: [" + pick(r, []string{"hand", "foreman", `"*"`, "hand, foreman"}) + "]"
	if r.IntN(5) == 0 {
		whom = "derivedRoles: [local]"
	}
	return fmt.Sprintf("{actions: [%q], effect: EFFECT_%s, %s%s}", pick(r, []string{"tools/call::pump", "tools/call::pump", "tools/call::*", "tools/list::*"}),
		pick(r, []string{"ALLOW", "ALLOW", "DENY"}), whom, condition(r))
}

// others are policies that stand beside the rules, or not.
var others = map[string][]string{
	"local": {`P.attr.quota < 2`, `has(P.attr.home)`, `R.attr.arguments.litres > 2`, `P.attr.quota == R.attr.arguments.litres`},
	"ann":   {"", "", "ALLOW", "DENY"},
	"hand":  {"", "", `"tools/call::*"`, `"tools/list::*"`},
}

// choose chooses one of each.
func choose(r *rand.Rand) map[string]string {
	return map[string]string{"local": pick(r, others["local"]), "ann": pick(r, others["ann"]), "hand": pick(r, others["hand"])}
}

func open(t *testing.T, rules []string, schema, small string, strict bool, beside map[string]string) *workspace.Workspace {
	t.Helper()
	if beside == nil {
		beside = map[string]string{"local": "true"}
	}
	files := fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [{"name": "pump", "inputSchema": ` + schema + `}]}`)},
		"mcpolicy.yaml": {Data: fmt.Appendf(nil, "servers: {crm: {manifest: manifest.json, enforcement: cerbos-fastmcp}}\npolicies: policies\nprincipals: principals.yaml\nengine: {strictEvaluation: %t}\n", strict)},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [roles]\n  variables: {local: {small: '" + small +
			"'}}\n  rules:\n    - " + strings.Join(rules, "\n    - ") + "\n")},
		"policies/d.yaml": {Data: fmt.Appendf(nil, "apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: roles\n  definitions:\n    - {name: local, parentRoles: [hand], condition: {match: {expr: %q}}}\n", beside["local"])},
	}
	if effect := beside["ann"]; effect != "" {
		files["policies/u.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\nprincipalPolicy:\n  principal: ann\n  version: default\n  rules:\n    - {resource: mcp_server, actions: [{action: \"tools/call::pump\", effect: EFFECT_" + effect + ", condition: {match: {expr: R.attr.arguments.litres <= 3}}}]}\n")}
	}
	if actions := beside["hand"]; actions != "" {
		files["policies/r.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: hand\n  parentRoles: [foreman]\n  rules:\n    - {resource: mcp_server, allowActions: [" + actions + "]}\n")}
	}
	w, err := fixture.Open(t.Context(), files, "principals: {ann: {id: ann, roles: [hand], attr: {quota: 1, home: north}}, ben: {id: ben, roles: [hand, foreman]}, cat: {id: cat, roles: [cook], attr: {quota: 3}}}\n", workspace.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(rules, "\n"))
	}
	return w
}

// calls yields all arguments of a small domain.
func calls() []map[string]any {
	var list []map[string]any
	for _, x := range litres {
		for _, y := range wells {
			c := map[string]any{}
			if x != nil {
				c["litres"] = x
			}
			if y != nil {
				c["well"] = y
			}
			list = append(list, c)
		}
	}
	return list
}

// TestAgainstAllCalls holds what is said of two engines to what they decide on every call of a
// small domain.
func TestAgainstAllCalls(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	t.Parallel()
	var counts [3]int
	decisions, outside := 0, 0
	for seed := range rounds.Of(10, 1500) {
		r := rand.New(rand.NewPCG(uint64(seed), 17))
		rules := []string{rule(r), rule(r), rule(r)}
		changed := append([]string{}, rules...)
		changed[r.IntN(3)] = rule(r)
		schema, small, strict := pick(r, schemas), pick(r, parts[:4]), r.IntN(4) == 0
		beside, other := choose(r), choose(r)
		if r.IntN(3) > 0 {
			other = beside
		}
		a, b := open(t, rules, schema, small, strict, beside), open(t, changed, schema, small, strict, other)
		m, err := a.Matrix(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		story := fmt.Sprintf("seed %d, strict %t, small %s, schema %s\n%s\n%v\n---\n%s\n%v", seed, strict, small, schema, strings.Join(rules, "\n"), beside, strings.Join(changed, "\n"), other)
		f := apart.New(m, a.Engine)
		for who := range m.Principals() {
			for _, col := range m.Columns {
				d, err := f.Cell(t.Context(), b.Engine, who, col)
				if err != nil {
					t.Fatalf("%v\n%s", err, story)
				}
				counts[d.Verdict]++
				differ, within := differing(t, m, a, b, who, col)
				decisions += 2 * len(calls())
				switch {
				case d.Verdict == solver.Impossible && differ != nil:
					t.Errorf("%s %s: %v tells them apart\n%s", who.Key, col.Operation, differ, story)
				case d.Verdict == solver.Possible && (d.A.Access == d.B.Access || !really(t, m, a, b, &d)):
					t.Errorf("%s %s: %v does not tell them apart\n%s", who.Key, col.Operation, d.Arguments, story)
				case d.Verdict == solver.Possible && d.Refused && within != nil:
					t.Errorf("%s %s: %v is refused, and %v is not\n%s", who.Key, col.Operation, d.Arguments, within, story)
				case d.Verdict == solver.Unknown && len(d.Open) == 0:
					t.Errorf("unknown, without a reason\n%s", story)
				}
				if t.Failed() {
					return
				}
			}
		}
		if d := anybody(t, f, m, a, b, r, story); d.Verdict == solver.Possible {
			outside++
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d decisions; %d unknown, %d possible, %d impossible; %d times told apart by somebody", decisions, counts[0], counts[1], counts[2], outside)
	if counts[1] == 0 || counts[2] == 0 || counts[0] > counts[1]/4 {
		t.Error("too little is known")
	}
}

// decide says by which of two engines a call is allowed.
func decide(t *testing.T, m *matrix.Matrix, a, b *workspace.Workspace, who *authz.Principal, col *matrix.Column, list []map[string]any) [][2]bool {
	t.Helper()
	trials := make([]matrix.Trial, len(list))
	for i, c := range list {
		trials[i] = matrix.Trial{Column: col, Arguments: c, Principals: []*authz.Principal{who}}
	}
	result := make([][2]bool, len(list))
	for k, w := range []*workspace.Workspace{a, b} {
		cells, err := m.Try(t.Context(), w.Engine, trials)
		if err != nil {
			t.Fatal(err)
		}
		for i := range cells {
			result[i][k] = cells[i][0].Access == matrix.Allowed
		}
	}
	return result
}

// differing returns a call that tells the engines apart, and one that the schema allows.
func differing(t *testing.T, m *matrix.Matrix, a, b *workspace.Workspace, who *authz.Principal, col *matrix.Column) (differ, within map[string]any) {
	t.Helper()
	schema := witness.NewSchema(col.Item.ArgumentsSchema())
	for i, of := range decide(t, m, a, b, who, col, calls()) {
		if of[0] == of[1] {
			continue
		}
		differ = calls()[i]
		if schema.Allows(differ) {
			return differ, differ
		}
	}
	return differ, nil
}

func really(t *testing.T, m *matrix.Matrix, a, b *workspace.Workspace, d *apart.Difference) bool {
	t.Helper()
	of := decide(t, m, a, b, d.Principal, d.Column, []map[string]any{d.Arguments})[0]
	return of[0] != of[1] && of[0] == (d.A.Access == matrix.Allowed)
}

// anybody holds what is said of everybody to random principals.
func anybody(t *testing.T, f *apart.Finder, m *matrix.Matrix, a, b *workspace.Workspace, r *rand.Rand, story string) apart.Difference {
	t.Helper()
	d, err := f.Outside(t.Context(), b.Engine, m.Columns, apart.Change{Actions: []string{"tools/call::*"}, Roles: []string{"hand", "foreman", "*"}})
	if err != nil {
		t.Fatalf("%v\n%s", err, story)
	}
	if d.Verdict == solver.Possible && !really(t, m, a, b, &d) {
		t.Errorf("%v of %v with %v does not tell them apart\n%s", d.Arguments, d.Principal.Roles, d.Principal.Attr, story)
	}
	if d.Verdict != solver.Impossible {
		return d
	}
	for range 10 {
		who := &authz.Principal{Key: "z", ID: "z", Roles: []string{pick(r, []string{"hand", "foreman", "cook", "x"})}, Attr: map[string]any{}}
		if r.IntN(2) == 0 {
			who.Attr["quota"] = float64(r.IntN(4))
		}
		if r.IntN(2) == 0 {
			who.Attr["home"] = pick(r, wells[1:])
		}
		for _, col := range m.Columns {
			if differ, _ := differing(t, m, a, b, who, col); differ != nil {
				t.Errorf("%s with %v of %v with %v tells them apart\n%s", col.Operation, differ, who.Roles, who.Attr, story)
				return d
			}
		}
	}
	return d
}
