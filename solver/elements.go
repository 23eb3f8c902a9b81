package solver

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// firstName stands for the first element of a list; no expression has a name like it.
const firstName = "(first)"

// firstElement is a leaf that asks about the first element of a list, and about nothing else
// of it.
func firstElement(a *analysis, l *leaf) bool {
	var list ast.Expr
	var p *place
	find := func(e ast.Expr) ast.Expr {
		return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
			name, operands := called(x)
			if name != operators.Index || operands[1].Kind() != ast.LiteralKind || operands[1].AsLiteral() != types.Int(0) {
				return nil, false
			}
			q, ok := a.placeOf(operands[0], l.request)
			if !ok || p != nil && p != q {
				return nil, false
			}
			p, list = q, operands[0]
			return fact.NewIdent(0, firstName), true
		})
	}
	e := find(l.expr)
	if p == nil || a.bound[firstName] != nil {
		return false
	}
	if slices.Contains(a.readsOf(e, l.request).places, p) {
		return false
	}
	m, ok := a.listsAt(p)
	if !ok {
		return false
	}
	a.bound[firstName] = m.element
	covers := a.coversBody(e, l.request)
	delete(a.bound, firstName)
	if !covers {
		return false
	}
	m.first = true
	m.need(1, 1)
	asked := l.expr
	if !isBoolean(asked) {
		asked = fact.NewCall(0, operators.LogicalAnd, fact.NewCall(0, "dyn", asked), fact.NewLiteral(0, types.True))
	}
	m.test(a, p, list, l.request, asked)
	return l.coveredLists()
}

// madeOf is what is asked of a list that is made of another, element by element: constant in
// list.map(x, f), or list.map(x, f).exists(y, p), with filter or all, too. The whole errs if
// what makes the list does for any element.
func madeOf(a *analysis, l *leaf) bool {
	list, variable, makes, asks, ok := takenApart(l.expr)
	if !ok || a.bound[variable.AsIdent()] != nil {
		return false
	}
	p, isPlace := a.placeOf(list, l.request)
	if !isPlace {
		return false
	}
	m, ok := a.listsAt(p)
	if !ok {
		return false
	}
	top := a.top
	a.bound[variable.AsIdent()], a.top = m.element, nil // the element is asked about twice
	covers := a.coversBody(makes, l.request) && a.coversBody(asks, l.request)
	delete(a.bound, variable.AsIdent())
	a.top = top
	if !covers {
		return false
	}
	m.need(2, 1)
	for _, e := range []ast.Expr{makes, asks} {
		m.test(a, p, list, l.request, fact.NewMemberCall(0, "exists", list, variable, e))
	}
	return l.coveredLists()
}

// takenApart returns of a question about a list that is made of another: that other, the name
// of its elements, what errs where the making of an element does, and what is asked of it.
func takenApart(e ast.Expr) (list, variable, makes, asks ast.Expr, ok bool) {
	name, operands := called(e)
	var from ast.Expr
	switch {
	case name == operators.In:
		from = operands[1]
	case (name == "exists" || name == "all") && len(operands) == 3 && operands[1].Kind() == ast.IdentKind:
		from = operands[0]
	default:
		return nil, nil, nil, nil, false
	}
	by, parts := called(from)
	if by != "map" && by != "filter" || len(parts) != 3 || parts[1].Kind() != ast.IdentKind {
		return nil, nil, nil, nil, false
	}
	list, variable, makes = parts[0], parts[1], parts[2]
	element := variable
	if by == "map" {
		element, makes = makes, fact.NewCall(0, operators.Equals, makes, fact.NewLiteral(0, types.String("")))
	}
	if name == operators.In {
		return list, variable, makes, fact.NewCall(0, operators.Equals, element, operands[0]), !expr.Mentions(operands[0], variable.AsIdent())
	}
	asks, ok = inlined(operands[2], operands[1].AsIdent(), element)
	return list, variable, makes, asks, ok
}

// setOperands returns the lists that a leaf relates to each other, where that depends on
// which elements the one has and the other has not, or both: hasIntersection, isSubset, the
// library sets, whether intersect has any element, and how many except has. Counts are up
// to most.
func (a *analysis) setOperands(l *leaf) (operands []ast.Expr, most int, ok bool) {
	name, operands := called(l.expr)
	if setRelations[name] && len(operands) == 2 {
		return operands, 1, true
	}
	if len(operands) == 3 && operands[0].Kind() == ast.IdentKind && operands[0].AsIdent() == "sets" {
		return operands[1:], 1, slices.Contains([]string{"contains", "intersects", "equivalent"}, name)
	}
	of, n, ok := a.sized(l.expr, l.request)
	if !ok {
		return nil, 0, false
	}
	function, lists := called(of)
	switch {
	case len(lists) != 2:
	case function == "intersect":
		return lists, 1, n == 1 || a.asksForAny(l)
	case function == "except":
		_, isConstant := a.constant(lists[1], l.request)
		return lists, n, isConstant || n == 1 || a.asksForAny(l)
	}
	return nil, 0, false
}

// asksForAny reports whether a size is compared with one so that it only matters whether it
// is zero.
func (a *analysis) asksForAny(l *leaf) bool {
	name, operands := called(l.expr)
	left, _ := a.constant(operands[0], l.request)
	right, _ := a.constant(operands[1], l.request)
	return right == 1.0 && (name == operators.GreaterEquals || name == operators.Less) ||
		left == 1.0 && (name == operators.LessEquals || name == operators.Greater)
}

// totalElements is list.exists or all of what errs or not by types alone, where the schemas
// allow elements of one type only: the whole errs if there is an element, and it errs for these.
func totalElements(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if name != "exists" && name != "all" {
		return false
	}
	total := false
	_, m, ok := a.overElements(operands, l.request, func(m *lists) {
		r := a.readsOf(operands[2], l.request)
		total = !r.foreign && !r.partly && a.isTotal(operands[2], l.request) && !slices.ContainsFunc(r.places, func(x *place) bool { return x.isWithin(m.element) && !x.hasOneType() })
		if total {
			a.hintElements(l, r.places, m.element)
		}
	})
	if !ok || !total {
		return false
	}
	m.need(1, 1)
	m.related = true
	l.shallow, l.cover, l.tells = true, typed, []string{"array", "object"}
	return true
}

// isWithin reports whether a place is another, or stands below it.
func (p *place) isWithin(other *place) bool {
	return p.key == other.key || p.up != nil && p.up.isWithin(other)
}

// hasOneType reports whether a place of an element is always there, and of one type, and so all
// above it.
func (p *place) hasOneType() bool {
	types := 0
	for _, t := range typeNames {
		if p.allows(t) {
			types++
		}
	}
	return types == 1 && (p.up == nil || p.must && p.up.hasOneType())
}

// hintElements proposes values for what is read of elements.
func (a *analysis) hintElements(l *leaf, places []*place, element *place) {
	literals(l.expr, func(v any) {
		for _, p := range places {
			if !p.isWithin(element) || len(p.hints) > 4 {
				continue
			}
			if n, isNumber := v.(float64); isNumber {
				p.hints = append(p.hints, n, n+1)
			} else {
				p.hints = append(p.hints, v)
			}
		}
	})
}
