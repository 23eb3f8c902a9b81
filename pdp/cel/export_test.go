package cel

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// EngineEvaluates has an engine evaluate expressions in a rule without a condition, the
// one named all. Engines are above this package, so only its external tests can open one.
var EngineEvaluates func(t *testing.T, r authz.Request, of []pdp.Expression) ([]pdp.Value, error)
