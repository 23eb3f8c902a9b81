package prove_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/universe"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// TestRolesOfPatternsTogether holds that a role stands for each combination of patterns
// that rules name: one rule may allow what another denies.
func TestRolesOfPatternsTogether(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		"manifest.json": &fstest.MapFile{Data: []byte(oneTool)},
		"mcpolicy.yaml": &fstest.MapFile{Data: []byte("servers: {crm: {manifest: manifest.json, enforcement: cerbos-fastmcp}}\npolicies: policies\nprincipals: principals.yaml\n")},
		"policies/p.yaml": &fstest.MapFile{Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::pump"], effect: EFFECT_ALLOW, roles: ["crew-*"]}
    - {actions: ["tools/call::pump"], effect: EFFECT_DENY, roles: ["*-night", "crew-a*"]}
`)},
	}
	w, err := fixture.Open(t.Context(), fsys, "principals: {ada: {id: ada, roles: [crew-day]}}\n", workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.Outline()
	if err != nil {
		t.Fatal(err)
	}
	roles := universe.Of(w.Policies, m.Columns...)
	if len(roles.Open) > 0 {
		t.Fatal(roles.Open)
	}
	patterns := []string{"crew-*", "*-night", "crew-a*"}
	for _, want := range [][]bool{{true, false, false}, {true, true, false}, {true, false, true}, {true, true, true}, {false, true, false}, {false, false, false}} {
		if !slices.ContainsFunc(roles.Single, func(role string) bool {
			for i, p := range patterns {
				if ok, err := policy.MatchRole(p, role); err != nil || ok != want[i] {
					return false
				}
			}
			return true
		}) {
			t.Errorf("no role of %q matches %v of %v", roles.Single, want, patterns)
		}
	}
}
