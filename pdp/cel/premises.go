package cel

import (
	"slices"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// premises returns what has to hold for something beside an expression to have a
// say, if it has one only where the expression is of the value.
func (w *readWalker) premises(e ast.Expr, value bool) []pdp.Premise {
	if w.exhausted() {
		return nil
	}
	e = w.behind(e)
	if e.Kind() == ast.CallKind {
		c := e.AsCall()
		switch {
		case c.FunctionName() == operators.LogicalNot:
			return w.premises(c.Args()[0], !value)
		case c.FunctionName() == operators.LogicalAnd && value, c.FunctionName() == operators.LogicalOr && !value:
			return append(w.premises(c.Args()[0], value), w.premises(c.Args()[1], value)...)
		}
	}
	g := pdp.Premise{Expr: expr.Print(e), Value: value}
	if !w.ofResource(e, &g) || strings.Contains(g.Expr, pdp.Element) {
		return nil
	}
	return []pdp.Premise{g}
}

// conditionPremises is premises for a tree of expressions.
func (w *readWalker) conditionPremises(c *runtimev1.Condition, value bool) []pdp.Premise {
	var of *runtimev1.Condition_ExprList
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_Expr:
		if e, err := expr.Parse(op.Expr.GetOriginal()); err == nil {
			return w.premises(e, value)
		}
	case *runtimev1.Condition_All:
		if value {
			of = op.All
		}
	case *runtimev1.Condition_Any:
		if !value {
			of = op.Any
		}
	case *runtimev1.Condition_None:
		if value {
			of, value = op.None, false
		}
	}
	var list []pdp.Premise
	for _, x := range of.GetExpr() {
		list = append(list, w.conditionPremises(x, value)...)
	}
	return list
}

// ofResource reports whether an expression looks at nothing but the resource, and
// notes at what of it.
func (w *readWalker) ofResource(e ast.Expr, g *pdp.Premise) bool {
	if w.exhausted() {
		return false
	}
	if definition, _, ok := w.written(e); ok {
		return w.ofResource(definition, g)
	}
	path, exact := expr.Path(e)
	switch {
	case len(path) == 0:
	case path[0] == "R" && len(path) > 1 && path[1] == "attr":
		g.Paths = append(g.Paths, path[2:])
	case path[0] == "R" && len(path) == 1:
		g.Paths = append(g.Paths, nil)
	case path[0] != "R" && path[0] != "C":
		return false
	}
	if exact {
		return true
	}
	if e.Kind() == ast.CallKind && slices.Contains([]string{"now", "timeSince"}, e.AsCall().FunctionName()) {
		return false
	}
	return !slices.ContainsFunc(expr.Children(e), func(x ast.Expr) bool { return !w.ofResource(x, g) })
}
