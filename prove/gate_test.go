package prove_test

import (
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/prove"
)

// TestRolesOfEachRequest holds that somebody may list a tool who has one role for the list
// and another for the tool.
func TestRolesOfEachRequest(t *testing.T) {
	t.Parallel()
	p, m := proving(t, fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [{"name": "pump"}]}`)},
		"policies/p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list"], effect: EFFECT_ALLOW, roles: [guest]}
    - {actions: ["tools/list::pump"], effect: EFFECT_ALLOW, roles: [fitter]}
`)},
	}, "principals: {ada: {id: ada, roles: [guest]}}\n")
	proof, err := p.Prove(t.Context(), &prove.Sentence{Kind: prove.Never, Of: m.Columns[0]})
	if err != nil {
		t.Fatal(err)
	}
	if proof.Verdict != prove.Refuted {
		t.Errorf("%v %v, want refuted", proof.Verdict, proof.Open)
	}
}
