package pdp

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
)

// EngineEvaluates has an engine evaluate expressions in a rule without a condition, the
// one named all. Engines are above this package, so only its external tests can open one.
var EngineEvaluates func(t *testing.T, r authz.Request, of []Expression) ([]Value, error)
