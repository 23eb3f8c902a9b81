package lint_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
)

// TestShadowsChangeNothing takes away each rule that is said to change nothing,
// from random policies, and compares decisions about random requests.
func TestShadowsChangeNothing(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		var rules strings.Builder
		for i := range rapid.IntRange(2, 5).Draw(t, "rules") {
			whom := "roles: [" + pick("role", "A", "B", `"*"`, "A, B") + "]"
			if rapid.IntRange(0, 3).Draw(t, "derived") == 0 {
				whom = "derivedRoles: [" + pick("derived role", "some", "plain") + "]"
			}
			fmt.Fprintf(&rules, "    - {name: r%d, actions: [%s], effect: EFFECT_%s, %s%s}\n", i,
				pick("actions", `"tools/call::a"`, `"tools/call::*"`, `"tools/call::a", "tools/call::b"`, `"*"`, `"tools/call::b*"`),
				pick("effect", "ALLOW", "ALLOW", "DENY"), whom,
				pick("condition", "", "", ", condition: {match: {expr: R.attr.arguments.x == 1}}", ", condition: {match: {expr: has(P.attr.y)}}"))
		}
		w, err := load(t.Context(), fstest.MapFS{
			"manifest.json":   {Data: []byte(`{"tools": [{"name": "a"}, {"name": "b"}, {"name": "bb"}]}`)},
			"principals.yaml": {Data: []byte("principals:\n  p: {id: p, roles: [A]}\n  q: {id: q, roles: [B, A], attr: {y: 1}}\n")},
			"policies/roles.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: roles
  definitions:
    - {name: some, parentRoles: [A], condition: {match: {expr: P.attr.y == 1}}}
    - {name: plain, parentRoles: [A, B]}
`)},
			"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [roles]\n  rules:\n" + rules.String())},
		})
		if err != nil {
			t.Fatal(err)
		}
		in, err := w.input(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		in.Engine = lesser(w.engine)["division"] // so that nothing is confirmed but here
		list, err := lint.Run(t.Context(), in, lint.Options{Only: []string{"rule-shadowed"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			found++
			without, err := w.engine.Without([]string{f.Policy})
			if err != nil {
				t.Fatal(err)
			}
			var requests []authz.Request
			for range 40 {
				p := &authz.Principal{ID: "z", Roles: rapid.SampledFrom([][]string{{"A"}, {"B"}, {"A", "B"}, {"B", "C"}, {"C"}}).Draw(t, "roles")}
				if rapid.Bool().Draw(t, "y") {
					p.Attr = map[string]any{"y": rapid.SampledFrom([]any{1.0, 2.0}).Draw(t, "value of y")}
				}
				arguments := map[string]any{}
				if rapid.Bool().Draw(t, "x") {
					arguments["x"] = rapid.SampledFrom([]any{1.0, 2.0, "1"}).Draw(t, "value of x")
				}
				requests = append(requests, authz.Request{Principal: p, Action: "tools/call::" + pick("tool", "a", "b", "bb", "c"), Resource: authz.Resource{
					Kind: "mcp_server", ID: "t", Attr: map[string]any{"arguments": arguments},
				}})
			}
			before, err := w.engine.Decide(t.Context(), requests)
			if err != nil {
				t.Fatal(err)
			}
			after, err := without.Decide(t.Context(), requests)
			if err != nil {
				t.Fatal(err)
			}
			for i := range requests {
				if before[i].Effect != after[i].Effect {
					t.Fatalf("%s\n%s: %v, and %v without, for %v on %s with %v", rules.String(), f.Message, before[i].Effect, after[i].Effect,
						requests[i].Principal, requests[i].Action, requests[i].Resource.Attr)
				}
			}
		}
	})
	if found == 0 {
		t.Error("nothing was ever said to change nothing")
	}
}
