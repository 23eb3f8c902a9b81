package lint_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// TestFailsOpenHolds lints DENY rules with conditions at random, beside a derived
// role that nearly always errs. For each that is said to fail open the engine has
// to find an error in the rule's own condition, and to allow the witness.
func TestFailsOpenHolds(t *testing.T) {
	worlds, found := rounds.Of(2, 60), 0
	for seed := range worlds {
		s := celgen.New(2000 + uint64(seed)) //nolint:gosec // a small number
		texts, err := s.Conditions(t.Context(), 20)
		if err != nil {
			t.Fatal(err)
		}
		files, attr := failsOpenWorld(t, s, texts)
		w, err := load(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		list, err := findings(t.Context(), files, "deny-fails-open")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			found++
			var i int
			if _, err := fmt.Sscanf(f.Policy, "resource.mcp_server.vdefault#deny%d", &i); err != nil {
				t.Fatal(err)
			}
			r := authz.Request{
				Principal: &authz.Principal{ID: "bob", Roles: []string{"A"}, Attr: attr}, Action: "tools/call::" + f.Name,
				Resource: authz.Resource{Kind: "mcp_server", ID: f.Name, Attr: map[string]any{"tool_name": f.Name, "source": "client", "arguments": f.Witness.Arguments}},
			}
			values, err := w.engine.Evaluate(t.Context(), r, []pdp.Expression{{Rule: f.Policy, Text: texts[i]}})
			if err != nil {
				t.Fatal(err)
			}
			decisions, err := w.engine.Decide(t.Context(), []authz.Request{r})
			if err != nil {
				t.Fatal(err)
			}
			said := string(print(list))
			if values[0].Error == "" || decisions[0].Effect != authz.Allow {
				t.Errorf("%s comes to %v, and the call is decided as %v:\n%s", texts[i], values[0].V, decisions[0].Effect, said)
			}
			if m := regexp.MustCompile(`call \w+ without (\w+)$`).FindStringSubmatch(f.Message); m != nil {
				if _, has := f.Witness.Arguments[m[1]]; has || !strings.Contains(texts[i], m[1]) {
					t.Errorf("%s is not without %s, or not about it:\n%s", texts[i], m[1], said)
				}
			}
		}
	}
	t.Logf("%d worlds, %d findings", worlds, found)
	if found == 0 {
		t.Error("nothing was ever said to fail open")
	}
}

// failsOpenWorld has a tool for each condition, which all may call but for a
// DENY; and the attributes of its principal.
func failsOpenWorld(t *testing.T, s *celgen.Source, texts []string) (fstest.MapFS, map[string]any) {
	t.Helper()
	var tools []map[string]any
	var p strings.Builder
	p.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [noise]\n  rules:\n")
	p.WriteString("    - {actions: [\"*\"], effect: EFFECT_ALLOW, roles: [A]}\n    - {actions: [\"*\"], effect: EFFECT_ALLOW, derivedRoles: [never]}\n")
	for i, text := range texts {
		tool := map[string]any{"name": fmt.Sprintf("t%d", i)}
		if schema := s.Schema(); schema != "" {
			tool["inputSchema"] = json.RawMessage(schema)
		}
		tools = append(tools, tool)
		fmt.Fprintf(&p, "    - {name: deny%d, actions: [\"tools/call::t%d\"], effect: EFFECT_DENY, roles: [A], condition: {match: {expr: %q}}}\n", i, i, text)
	}
	inventory, err := json.Marshal(map[string]any{"tools": tools})
	if err != nil {
		t.Fatal(err)
	}
	attr := s.Attributes("a b n m f l o")
	people, err := json.Marshal(map[string]any{"principals": map[string]any{"bob": map[string]any{"id": "bob", "roles": []string{"A"}, "attr": attr}}})
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"manifest.json":   {Data: inventory},
		"principals.yaml": {Data: people},
		"policies/p.yaml": {Data: []byte(p.String())},
		"policies/roles.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: noise
  definitions:
    - {name: never, parentRoles: [A], condition: {match: {expr: R.attr.arguments.nowhere == P.attr.nowhere}}}
`)},
	}, maps.Clone(attr)
}
