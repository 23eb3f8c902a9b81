package cel_test

import (
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// TestMain hands the tests of this package an engine, which is above it.
func TestMain(m *testing.M) {
	cel.EngineEvaluates = func(t *testing.T, r authz.Request, of []pdp.Expression) ([]pdp.Value, error) {
		t.Helper()
		e, err := embedded.Open(t.Context(), fstest.MapFS{"p.yaml": {Data: []byte(bare)}}, pdp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return e.Evaluate(t.Context(), r, of)
	}
	m.Run()
}

// bare has one rule, to evaluate expressions in.
const bare = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: r
  version: default
  rules:
    - {name: all, actions: ["*"], effect: EFFECT_ALLOW, roles: ["*"]}
`
