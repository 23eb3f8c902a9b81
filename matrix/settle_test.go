package matrix_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A settling is a tool whose arguments are few enough to try all of them.
type settling struct {
	schema    string
	arguments []map[string]any // all that the schema allows
	allows    string
	denies    string // or nothing
}

func drawSettling(r *rand.Rand) settling {
	var s settling
	required := []string{}
	numbers, texts := []any{}, []any{}
	low, high := r.IntN(3), 2+r.IntN(3)
	for n := low; n <= high; n++ {
		numbers = append(numbers, float64(n))
	}
	for _, text := range []string{"ash", "ask", "oak"}[:1+r.IntN(3)] {
		texts = append(texts, text)
	}
	if r.IntN(2) == 0 {
		required = append(required, `"n"`)
	} else {
		numbers = append(numbers, nil) // absent
	}
	if r.IntN(2) == 0 {
		required = append(required, `"s"`)
	} else {
		texts = append(texts, nil)
	}
	var enum []string
	for _, text := range texts {
		if text != nil {
			enum = append(enum, fmt.Sprintf("%q", text))
		}
		for _, n := range numbers {
			arguments := map[string]any{}
			if n != nil {
				arguments["n"] = n
			}
			if text != nil {
				arguments["s"] = text
			}
			s.arguments = append(s.arguments, arguments)
		}
	}
	s.schema = fmt.Sprintf(`{"type": "object", "properties": {"n": {"type": "integer", "minimum": %d, "maximum": %d}, "s": {"type": "string", "enum": [%s]}}, "required": [%s]}`,
		low, high, strings.Join(enum, ", "), strings.Join(required, ", "))
	s.allows = drawTest(r, 3)
	if r.IntN(2) == 0 {
		s.denies = drawTest(r, 2)
	}
	return s
}

// drawTest draws a condition on the arguments n and s.
func drawTest(r *rand.Rand, depth int) string {
	if depth > 0 {
		switch r.IntN(5) {
		case 0:
			return "(" + drawTest(r, depth-1) + " && " + drawTest(r, depth-1) + ")"
		case 1:
			return "(" + drawTest(r, depth-1) + " || " + drawTest(r, depth-1) + ")"
		case 2:
			return "!" + drawTest(r, depth-1)
		}
	}
	const n, s = "R.attr.arguments.n", "R.attr.arguments.s"
	return "(" + []string{
		fmt.Sprintf("%s %s %d", n, []string{"<", "<=", ">", ">=", "==", "!="}[r.IntN(6)], r.IntN(6)),
		fmt.Sprintf("%s in [%d, %d]", n, r.IntN(5), r.IntN(5)),
		fmt.Sprintf("%s == %q", s, []string{"ash", "oak", "yew"}[r.IntN(3)]),
		fmt.Sprintf("%s.startsWith(%q)", s, []string{"as", "o", ""}[r.IntN(3)]),
		fmt.Sprintf("has(%s)", []string{n, s}[r.IntN(2)]),
		fmt.Sprintf("%s in [%q, %q]", s, "ash", "ask"),
		fmt.Sprintf("%d %s %s", r.IntN(6), []string{"<", "<=", ">", ">=", "==", "!="}[r.IntN(6)], n),
	}[r.IntN(7)] + ")"
}

// settlingWorld returns the matrix of one principal and the tools.
func settlingWorld(t *testing.T, list []settling, schemas bool) *matrix.Matrix {
	t.Helper()
	profile, err := pep.New("cerbos-fastmcp", "trees", pep.With{}, "")
	if err != nil {
		t.Fatal(err)
	}
	return settlingWorldBehind(t, list, schemas, profile)
}

// settlingWorldBehind is settlingWorld behind an enforcement point.
func settlingWorldBehind(t *testing.T, list []settling, schemas bool, profile *pep.Profile) *matrix.Matrix {
	t.Helper()
	return build(t, settlingInput(t, list, schemas, profile))
}

func settlingInput(t *testing.T, list []settling, schemas bool, profile *pep.Profile) *matrix.Input {
	t.Helper()
	var tools, rules []string
	for i, s := range list {
		schema := ""
		if schemas {
			schema = `, "inputSchema": ` + s.schema
		}
		tools = append(tools, fmt.Sprintf(`{"name": "t%d"%s}`, i, schema))
		rules = append(rules, fmt.Sprintf("    - {actions: [\"tools/call::t%d\"], effect: EFFECT_ALLOW, roles: [USER], condition: {match: {expr: %q}}}", i, s.allows))
		if s.denies != "" {
			rules = append(rules, fmt.Sprintf("    - {actions: [\"tools/call::t%d\"], effect: EFFECT_DENY, roles: [USER], condition: {match: {expr: %q}}}", i, s.denies))
		}
	}
	text := "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + strings.Join(rules, "\n") + "\n"
	fsys := fstest.MapFS{"mcp.yaml": {Data: []byte(text)}}
	set, err := policy.Load(fsys, "policies")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.Open(t.Context(), fsys, pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("trees.json", []byte(`{"tools": [`+strings.Join(tools, ",\n")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return &matrix.Input{
		Servers:    []*matrix.Server{{Name: "trees", Inventory: inventories[0], Profile: profile}},
		Principals: []*authz.Principal{{Key: "una", ID: "una", Roles: []string{"USER"}}},
		Decider:    engine, Policies: set,
	}
}

// TestSettledIsWhatAllCallsAre has the engine decide every call that the inputSchema
// allows: a cell is denied if it denies all of them, allowed if it allows all, and
// conditional otherwise.
func TestSettledIsWhatAllCallsAre(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 5)) //nolint:gosec // a test wants the same numbers each time
	met := map[matrix.Access]int{}
	for range rounds.Of(3, 60) {
		list := make([]settling, 100)
		for i := range list {
			list[i] = drawSettling(r)
		}
		m := settlingWorld(t, list, true)
		for _, col := range m.Columns {
			if col.Operation != authz.Call {
				continue
			}
			var s settling
			for i := range list {
				if fmt.Sprintf("t%d", i) == col.Item.Name {
					s = list[i]
				}
			}
			var attempts []matrix.Attempt
			for _, arguments := range s.arguments {
				attempts = append(attempts, matrix.Attempt{Principal: m.Classes[0].First(), Column: col, Arguments: arguments})
			}
			cells, err := m.Ask(t.Context(), attempts)
			if err != nil {
				t.Fatal(err)
			}
			want := cells[0].Access
			for _, c := range cells {
				if c.Access != want {
					want = matrix.Conditional
				}
			}
			got := m.Cell(m.Classes[0], col)
			if got.Access != want {
				t.Errorf("%s unless %s over %s: %v, %q; the engine: %v", s.allows, s.denies, s.schema, got.Access, got.Reason(), want)
			}
			if got.Settlement.Settled() || got.Access == matrix.Conditional {
				met[got.Access]++
			}
		}
	}
	for _, a := range []matrix.Access{matrix.Denied, matrix.Allowed, matrix.Conditional} {
		if met[a] < 30 {
			t.Errorf("%d cells were %v", met[a], a)
		}
	}
	t.Log(met)
}

// TestSettledBy names the schema as the reason only where it is one.
func TestSettledBy(t *testing.T) {
	const n, s = "R.attr.arguments.n", "R.attr.arguments.s"
	const schema = `{"properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}, "s": {"type": "string", "maxLength": 3}}, "required": ["n"]}`
	tests := []struct{ allows, denies, want string }{
		{n + " > 10 && " + n + " < 5", "", "denied: no arguments meet: arguments.n > 10.0 && arguments.n < 5.0"},
		{n + " > 10", "", "denied: no arguments that the inputSchema allows meet: arguments.n > 10.0"},
		{n + " < 10", "", "allowed: all arguments that the inputSchema allows meet: arguments.n < 10.0"},
		{"has(" + n + ") || !has(" + n + ")", "", "allowed: all arguments meet: has(arguments.n) || !has(arguments.n)"},
		{n + " < 5", "", "conditional: "},
		{n + " < 5", "has(" + n + ")", "denied: no arguments meet: arguments.n < 5.0 unless has(arguments.n)"},
		{s + ` == "a"`, s + ` == "a"`, "denied: "},
		{n + " >= 0", s + ` == "a" && ` + s + ` == "b"`, `allowed: all arguments that the inputSchema allows meet: arguments.n >= 0.0 unless arguments.s == "a" && arguments.s == "b"`},
		{n + " + 1.0 > 10.0", "", "denied: no arguments that the inputSchema allows meet: arguments.n + 1.0 > 10.0"},
		{s + ` == "long"`, "", `denied: no arguments that the inputSchema allows meet: arguments.s == "long"`},
		{n + ".x < 5", "", "denied: no arguments that the inputSchema allows meet: arguments.n.x < 5.0"},
		{"R.attr.arguments.whatever > 1", "", "conditional: "},
	}
	list := make([]settling, len(tests))
	for i, x := range tests {
		list[i] = settling{schema: schema, allows: x.allows, denies: x.denies}
	}
	for _, c := range settlingCells(settlingWorld(t, list, true)) {
		var i int
		if _, err := fmt.Sscanf(c.Column.Item.Name, "t%d", &i); err != nil {
			t.Fatal(err)
		}
		got := c.Access.String() + ": " + c.Reason()
		if strings.ReplaceAll(got, ".0", "") != strings.ReplaceAll(tests[i].want, ".0", "") {
			t.Errorf("%s unless %s: %s, want %s", tests[i].allows, tests[i].denies, got, tests[i].want)
		}
	}
}

// TestSettledByType names the schema as the reason where a text is made of an argument whose type only
// the schema says: of a number another text is made.
func TestSettledByType(t *testing.T) {
	profile, err := pep.Custom("gateway", "trees", []pep.Spec{
		{Endpoint: "tools/list", Filter: authz.FilterCall},
		{Endpoint: "tools/call", Requests: []pep.RequestSpec{{
			Kind: "mcp_server", ID: "{arguments.s}/x", Action: "tools/call::{name}", Attr: map[string]any{"arguments": "{arguments}"},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const text = `R.id.startsWith("3/") && type(R.attr.arguments.s) == `
	for _, x := range []struct {
		schema, allows string
		number         matrix.Access
		want           string
	}{
		{`{"properties": {"s": {"type": "string"}}}`, text + "int", matrix.Denied, "no arguments that the inputSchema allows meet"},
		{`{"properties": {"s": {"type": "string"}}}`, text + "double", matrix.Allowed, "no arguments that the inputSchema allows meet"},
		{`{"properties": {"s": {}}}`, text + "double", matrix.Allowed, ""},
		{`{"properties": {"s": {}}}`, text + "int", matrix.Denied, "no arguments meet"},
	} {
		m := settlingWorldBehind(t, []settling{{schema: x.schema, allows: x.allows}}, true, profile)
		for _, c := range settlingCells(m) {
			cells, err := m.Ask(t.Context(), []matrix.Attempt{{Principal: m.Classes[0].First(), Column: c.Column, Arguments: map[string]any{"s": 3}}})
			if err != nil {
				t.Fatal(err)
			}
			if got, _, _ := strings.Cut(c.Reason(), ":"); got != x.want || cells[0].Access != x.number {
				t.Errorf("%s over %s: %v because %q, want %q; with a number %v, want %v", x.allows, x.schema, c.Access, got, x.want, cells[0].Access, x.number)
			}
		}
	}
}

func settlingCells(m *matrix.Matrix) []matrix.Ref {
	var list []matrix.Ref
	for c := range m.All() {
		if c.Column.Operation == authz.Call {
			list = append(list, c)
		}
	}
	return list
}
