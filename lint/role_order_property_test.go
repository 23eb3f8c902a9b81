package lint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
)

// TestRoleOrders holds what is said about the order of roles to what the engine
// decides in every order, with many arguments.
func TestRoleOrders(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	found, silent := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		strict := rapid.IntRange(0, 5).Draw(t, "strict") > 0
		roles := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"A", "B", "C", "D"}), 1, 4, rapid.ID).Draw(t, "roles")
		w, err := load(t.Context(), orderedWorld(t, strict, roles))
		if err != nil {
			t.Fatal(err)
		}
		in, err := w.input(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list, err := lint.Run(t.Context(), in, lint.Options{Only: []string{"decision-not-deterministic"}})
		if err != nil {
			t.Fatal(err)
		}
		want := orderMatters(t, w, roles)
		switch {
		case len(list) > 1 || want != (len(list) == 1):
			t.Fatalf("findings %s for the roles %v; the order matters: %t", print(list), roles, want)
		case !want:
			silent++
			return
		}
		found++
		f := list[0]
		text := strings.Join(f.Evidence, "\n")
		if !strict || f.Principal != "p" || f.Name != "a" || !strings.Contains(text, "the engine allows it") || !strings.Contains(text, "the engine denies it") || f.Policy == "" {
			t.Fatalf("a finding that does not say it all: %s", print(list))
		}
	})
	t.Logf("%d findings, %d worlds without", found, silent)
}

func orderedWorld(t *rapid.T, strict bool, roles []string) fstest.MapFS {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	condition := func() string {
		return pick("condition", "R.attr.arguments.x == 1", "has(R.attr.arguments.x)", "R.attr.arguments.x < 2", "P.attr.n == 1", "P.attr.m == 1",
			`R.attr.arguments.y == "a"`, `R.attr.arguments.x == 1 && R.attr.arguments.y == "a"`, "has(R.attr.arguments.x) && R.attr.arguments.x == 1",
			"R.attr.arguments.z.exists(e, e > 7)", `R.attr.arguments.z.all(e, e > 7) && R.attr.arguments.y == "a"`)
	}
	var rules strings.Builder
	for i := range rapid.IntRange(2, 5).Draw(t, "rules") {
		whom := "roles: [" + pick("role", "A", "B", "C", "D", `"*"`) + "]"
		if rapid.IntRange(0, 4).Draw(t, "derived") == 0 {
			whom = "derivedRoles: [some]"
		}
		fmt.Fprintf(&rules, "    - {name: r%d, actions: [\"tools/call::a\"], effect: EFFECT_%s, %s", i, pick("effect", "ALLOW", "ALLOW", "DENY"), whom)
		if rapid.Bool().Draw(t, "conditional") {
			fmt.Fprintf(&rules, ", condition: {match: {expr: %q}}", condition())
		}
		rules.WriteString("}\n")
	}
	fsys := fstest.MapFS{
		"mcpolicy.yaml":   {Data: fmt.Appendf(nil, "servers: {crm: {manifest: manifest.json}}\npolicies: policies\nprincipals: principals.yaml\nengine: {strictEvaluation: %t}\n", strict)},
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "a", "inputSchema": {"type": "object", "properties": {"x": {}, "y": {"type": "string"}, "z": {"type": "array"}}}}]}`)},
		"principals.yaml": {Data: fmt.Appendf(nil, "principals:\n  p: {id: p, roles: [%s], attr: {n: 1}}\n", strings.Join(roles, ", "))},
		"policies/roles.yaml": {Data: fmt.Appendf(nil, "apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: roles\n  definitions:\n    - {name: some, parentRoles: [%s], condition: {match: {expr: %q}}}\n",
			pick("parent", "A", "B, C"), condition())},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [roles]\n  rules:\n" + rules.String())},
	}
	if rapid.IntRange(0, 2).Draw(t, "limited") == 0 {
		fsys["policies/limited.yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil, "apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: D\n  version: default\n  parentRoles: [A]\n  rules:\n    - {resource: mcp_server, allowActions: [\"tools/*::*\"], condition: {match: {expr: %q}}}\n", condition())}
	}
	return fsys
}

// orderMatters asks the engine about all orders of the roles.
func orderMatters(t *rapid.T, w *world, roles []string) bool {
	var requests []authz.Request
	orders := permutations(roles)
	for i := range 5 * 4 * 5 {
		x, y := []any{nil, 0.0, 1.0, 2.0, "b"}[i%5], []any{nil, "a", "b", 1.0}[i/5%4]
		z := []any{nil, []any{8.0}, []any{1.0}, []any{"b"}, []any{}}[i/20]
		arguments := map[string]any{}
		for name, v := range map[string]any{"x": x, "y": y, "z": z} {
			if v != nil {
				arguments[name] = v
			}
		}
		for _, order := range orders {
			p := *w.principals[0]
			p.Roles = order
			requests = append(requests, authz.Request{Principal: &p, Action: "tools/call::a", Resource: authz.Resource{
				Kind: "mcp_server", ID: "a", Attr: map[string]any{"tool_name": "a", "arguments": arguments},
			}})
		}
	}
	decisions, err := w.engine.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	for some := range slices.Chunk(decisions, len(orders)) {
		if slices.ContainsFunc(some, func(d authz.Decision) bool { return d.Effect != some[0].Effect }) {
			return true
		}
	}
	return false
}

func permutations(list []string) [][]string {
	if len(list) < 2 {
		return [][]string{list}
	}
	var all [][]string
	for i, first := range list {
		for _, rest := range permutations(slices.Delete(slices.Clone(list), i, i+1)) {
			all = append(all, append([]string{first}, rest...))
		}
	}
	return all
}
