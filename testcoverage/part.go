package testcoverage

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A part is a leaf of a condition between all, any, none, &&, || and !().
type part struct {
	leaf *policy.Condition // the expression that it stands in
	text string
	is   ast.Expr
	root ast.Expr // of the expression
}

// partsOf returns the parts of a condition in the order of the file.
func partsOf(c *policy.Condition) []part {
	if c.Op != policy.Expr {
		var list []part
		for _, of := range c.Of {
			list = append(list, partsOf(of)...)
		}
		return list
	}
	root, err := expr.Parse(c.Expr)
	if err != nil {
		return nil // the engine refuses it
	}
	var list []part
	var walk func(e ast.Expr)
	walk = func(e ast.Expr) {
		if e.Kind() == ast.CallKind {
			switch e.AsCall().FunctionName() {
			case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
				for _, below := range e.AsCall().Args() {
					walk(below)
				}
				return
			}
		}
		list = append(list, part{leaf: c, text: expr.Print(e), is: e, root: root})
	}
	walk(root)
	return list
}

// alone reports whether the part is the whole condition.
func (p *part) alone(c *policy.Condition) bool { return p.leaf == c && p.is == p.root }

var facts = ast.NewExprFactory()

// held returns the expression with the part held true or false.
func (p *part) held(as bool) string {
	return expr.Print(expr.Rewrite(p.root, func(e ast.Expr) (ast.Expr, bool) {
		return facts.NewLiteral(0, types.Bool(as)), e == p.is
	}))
}
