package cel

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Operands lists what an expression, of a text, reads, and reports whether it is open.
func (o *Openness) Operands(parsed ast.Expr, text string) (list []pdp.Operand, open bool) {
	var walk func(ast.Expr)
	walk = func(x ast.Expr) {
		if path, ok := expr.Path(x); ok {
			name := expr.Print(x)
			known := slices.ContainsFunc(list, func(known pdp.Operand) bool { return known.Text == name })
			if len(path) > 1 && expr.IsRoot(path[0]) && strings.Contains(text, name) && !known {
				list = append(list, pdp.Operand{Text: name, Name: expr.Print(expr.Shorten(x, o.Unknown)), Open: o.isOpenPath(path)})
			}
			return
		}
		for _, x := range expr.Children(x) {
			walk(x)
		}
	}
	walk(parsed)
	slices.SortStableFunc(list, func(a, b pdp.Operand) int { return strings.Index(text, a.Text) - strings.Index(text, b.Text) })
	return list, o.IsOpen(parsed, nil)
}
