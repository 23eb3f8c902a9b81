package prove_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// TestRolesOfEachRequest holds that somebody may list a tool who has one role for the list
// and another for the tool.
func TestRolesOfEachRequest(t *testing.T) {
	t.Parallel()
	w, err := fixture.Open(t.Context(), fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [{"name": "pump"}]}`)},
		"policies/p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list"], effect: EFFECT_ALLOW, roles: [guest]}
    - {actions: ["tools/list::pump"], effect: EFFECT_ALLOW, roles: [fitter]}
`)},
	}, "principals: {ada: {id: ada, roles: [guest]}}\n", workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Prover(t.Context(), time.Time{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.Outline()
	if err != nil {
		t.Fatal(err)
	}
	proof, err := p.Prove(t.Context(), &prove.Sentence{Kind: prove.Never, Of: m.Columns[0]})
	if err != nil {
		t.Fatal(err)
	}
	if proof.Verdict != prove.Refuted {
		t.Errorf("%v %v, want refuted", proof.Verdict, proof.Open)
	}
}
