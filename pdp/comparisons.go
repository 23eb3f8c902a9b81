package pdp

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A Comparison is left == right, or left in right, somewhere in an expression.
type Comparison struct {
	Left, Right string
	In          bool
}

// Comparisons lists the comparisons of an expression that can make it true:
// equality and membership, below && and || only.
func Comparisons(text string) []Comparison {
	e, err := expr.Parse(text)
	if err != nil {
		return nil
	}
	var list []Comparison
	var walk func(ast.Expr)
	walk = func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		c := e.AsCall()
		switch c.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr:
			for _, a := range c.Args() {
				walk(a)
			}
		case operators.Equals, operators.In:
			list = append(list, Comparison{expr.Print(c.Args()[0]), expr.Print(c.Args()[1]), c.FunctionName() == operators.In})
		}
	}
	walk(e)
	return list
}
