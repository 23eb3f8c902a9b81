package embedded

import (
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
)

// Looks lists what an expression looks at, each different thing once and in the
// order of its text: attributes and what else a request tells, constants, globals
// and the clock. What a variable looks at stands where its name does.
func (e *Engine) Looks(x pdp.Expression) []pdp.Look {
	contexts := e.contextsOf(x)
	if len(contexts) == 0 {
		return nil
	}
	return cel.Looks(x.Text, contexts[0].Params, e.options.Globals)
}
