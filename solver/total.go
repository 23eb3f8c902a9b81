package solver

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// total is a leaf of functions that err or not by the types of what they are given, and
// of whose results the types, too, depend on no more than that. What it comes to is not
// covered, but whether it errs is.
func total(a *analysis, l *leaf) bool {
	if !a.isTotal(l.expr, l.request) {
		return false
	}
	l.cover = typed
	return true
}

// totals are functions that err by type alone, by how many operands they have.
var totals = map[string][]int{
	operators.Equals: {2}, operators.NotEquals: {2}, operators.Less: {2}, operators.LessEquals: {2}, operators.Greater: {2}, operators.GreaterEquals: {2},
	"startsWith": {2}, "endsWith": {2}, "contains": {2}, "size": {1}, "lowerAscii": {1}, "upperAscii": {1}, "trim": {1}, "replace": {3}, "reverse": {1}, "type": {1},
}

// arithmetic is total on doubles and texts, of which alone values of requests are; on
// integers it may overflow.
var arithmetic = []string{operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Negate}

func (a *analysis) isTotal(e ast.Expr, request int) bool {
	if a.isOperand(e, request) {
		return true
	}
	name, operands := called(e)
	switch {
	case slices.Contains(arithmetic, name):
		return a.isArithmetic(e, request)
	case name == operators.In:
		_, isConstant := a.constant(operands[1], request)
		return (isConstant || a.isOperand(operands[1], request)) && a.isTotal(operands[0], request)
	case name == "intersect" && len(operands) == 2:
		return !slices.ContainsFunc(operands, func(x ast.Expr) bool {
			_, isConstant := a.constant(x, request)
			return !isConstant && !a.isOperand(x, request)
		})
	case slices.Contains(relations, name) && len(operands) == 2:
		return a.isHierarchy(operands[0], request) && a.isHierarchy(operands[1], request)
	case name == "matches" && len(operands) == 2:
		_, ok := literal(operands[1])
		return ok && a.isTotal(operands[0], request)
	}
	return slices.Contains(totals[name], len(operands)) &&
		!slices.ContainsFunc(operands, func(x ast.Expr) bool { return !a.isTotal(x, request) })
}

// relations are what hierarchies are asked, which err for nothing that is one.
var relations = []string{"ancestorOf", "descendentOf", "immediateChildOf", "immediateParentOf", "siblingOf", "overlaps"}

// isHierarchy reports whether an expression makes a hierarchy of what cannot be a list, so
// that it errs by type: of a list, it errs by the elements.
func (a *analysis) isHierarchy(e ast.Expr, request int) bool {
	name, operands := called(e)
	if name != "hierarchy" || len(operands) != 1 {
		return false
	}
	if v, ok := literal(operands[0]); ok {
		_, isText := v.(string)
		return isText
	}
	p, ok := a.placeOf(operands[0], request)
	return ok && !p.allows("array")
}

// isArithmetic reports whether all that is calculated with are places, doubles and texts.
func (a *analysis) isArithmetic(e ast.Expr, request int) bool {
	if name, operands := called(e); slices.Contains(arithmetic, name) {
		return !slices.ContainsFunc(operands, func(x ast.Expr) bool { return !a.isArithmetic(x, request) })
	}
	if e.Kind() == ast.LiteralKind {
		switch e.AsLiteral().(type) {
		case types.Double, types.String:
			return true
		}
		return isInteger(e) // no overload takes it beside a double
	}
	return a.isOperand(e, request)
}

func (a *analysis) isOperand(e ast.Expr, request int) bool {
	if _, ok := a.placeOf(e, request); ok {
		return true
	}
	if _, ok := literal(e); ok {
		return true
	}
	if path, exact := expr.Path(e); exact && expr.IsRoot(path[0]) && !expr.IsOptional(e) {
		_, _, s := a.resolve(path, request)
		return s == isFixed
	}
	return false
}
