package solver

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// mathCall returns the function and the operands of a call of the library math.
func mathCall(e ast.Expr) (name string, operands []ast.Expr) {
	name, operands = called(e)
	if len(operands) < 2 || operands[0].Kind() != ast.IdentKind || operands[0].AsIdent() != "math" {
		return "", nil
	}
	return name, operands[1:]
}

// extremes compares the greatest or least of places and constants: which it is, and how it
// compares, depends on the order of all of these.
func extremes(a *analysis, l *leaf) bool {
	name, sides := called(l.expr)
	if !slices.Contains(orders, name) && name != operators.Equals && name != operators.NotEquals {
		return false
	}
	var all []ast.Expr
	for _, x := range sides {
		f, operands := mathCall(x)
		if f != "greatest" && f != "least" || len(operands) < 2 {
			operands = []ast.Expr{x}
		}
		all = append(all, operands...)
	}
	return len(all) > len(sides) && a.compares(l, all, true)
}

// wholeness is whether a place is the integer that it is rounded to.
func wholeness(a *analysis, l *leaf) bool {
	name, sides := called(l.expr)
	if name != operators.Equals && name != operators.NotEquals {
		return false
	}
	for i, x := range sides {
		f, operands := mathCall(x)
		if !slices.Contains([]string{"ceil", "floor", "round", "trunc"}, f) || len(operands) != 1 {
			continue
		}
		p, isPlace := a.placeOf(operands[0], l.request)
		q, same := a.placeOf(sides[1-i], l.request)
		if isPlace && same && p == q {
			p.integers = true
			l.shallow = true
			return l.covered("number")
		}
	}
	return false
}
