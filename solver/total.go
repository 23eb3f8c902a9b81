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
	"startsWith": {2}, "endsWith": {2}, "contains": {2}, "size": {1}, "lowerAscii": {1}, "upperAscii": {1}, "trim": {1}, "replace": {3}, "reverse": {1}, "distinct": {1}, "type": {1},
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
	case name == operators.Index: // a text has one part at least
		f, of := called(operands[0])
		return f == "split" && len(of) == 2 && operands[1].Kind() == ast.LiteralKind && operands[1].AsLiteral() == types.Int(0) && isSeparator(of[1]) && a.isTotal(of[0], request)
	case len(operands) > 1 && a.isRounded(e, request):
		return true
	case name == "matches" && len(operands) == 2:
		_, ok := literal(operands[1])
		return ok && a.isTotal(operands[0], request)
	}
	return slices.Contains(totals[name], len(operands)) &&
		!slices.ContainsFunc(operands, func(x ast.Expr) bool { return !a.isTotal(x, request) })
}

// isSeparator reports whether an expression is a text by which any text is split into one part
// at least.
func isSeparator(e ast.Expr) bool {
	v, _ := literal(e)
	s, _ := v.(string)
	return s != ""
}

// isRounded reports whether an expression is a function of doubles that errs for none, and is
// a double.
func (a *analysis) isRounded(e ast.Expr, request int) bool {
	name, operands := mathCall(e)
	switch name {
	case "greatest", "least":
		if len(operands) < 2 {
			return false
		}
	case "ceil", "floor", "round", "trunc", "abs", "sign":
	default:
		return false
	}
	return !slices.ContainsFunc(operands, func(x ast.Expr) bool { return !a.isDouble(x, request) })
}

// isDouble reports whether an expression errs by the types of places alone, or is a double and
// not NaN, for which the greatest errs: one sum, difference or product of what is finite is none.
func (a *analysis) isDouble(e ast.Expr, request int) bool {
	if a.isRounded(e, request) {
		return true
	}
	operands := []ast.Expr{e}
	if name, of := called(e); slices.Contains(arithmetic, name) && name != operators.Divide {
		operands = of
	}
	return !slices.ContainsFunc(operands, func(x ast.Expr) bool {
		_, isPlace := a.placeOf(x, request)
		isDouble := false
		if x.Kind() == ast.LiteralKind {
			_, isDouble = x.AsLiteral().(types.Double)
		}
		return !isPlace && !isDouble
	})
}

// relations are what hierarchies are asked, which err for nothing that is one.
var relations = []string{"ancestorOf", "descendentOf", "immediateChildOf", "immediateParentOf", "siblingOf", "overlaps"}

// isHierarchy reports whether an expression makes a hierarchy of what cannot be a list, so
// that it errs by type: of a list, it errs by the elements.
func (a *analysis) isHierarchy(e ast.Expr, request int) bool {
	name, operands := called(e)
	if name != "hierarchy" || len(operands) == 2 && !isSeparator(operands[1]) {
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
