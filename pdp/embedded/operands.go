package embedded

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Operands lists what an expression reads, in the order of its text: attributes,
// variables, constants, globals, the principal's id and roles. It reports
// whether the expression reads anything that the request leaves open.
func (e *Engine) Operands(r *authz.Request, text string) (list []pdp.Operand, open bool) {
	parsed, err := expr.Parse(text)
	if err != nil {
		return nil, r.Unknown != nil
	}
	o := &cel.Openness{Unknown: r.Unknown}
	o.RuntimeOpen = r.Unknown != nil && e.derivedRolesOpen(o)
	return o.Operands(parsed, text)
}
