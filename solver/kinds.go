package solver

import (
	"maps"
	"slices"
	"strconv"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A kind of leaves is one that there is a lemma for. It notes what a leaf of the kind
// needs of its places, and sets how far the leaf is covered then; it reports whether the
// leaf is of the kind. When it is asked all places of the question are known.
type kind func(a *analysis, l *leaf) bool

// kinds lists the kinds in the order in which they are tried.
func kinds() []kind {
	return []kind{
		listed, keyOfLookup, presence, bare, typeTest, comparing, membership, textPredicate, textSize, written, joined, monotone, extremes, wholeness, instants, calendar,
		quantified, listSize, member, related, madeOf, firstElement,
		textPart, splitWhole, insideConstant, position, hierarchies, totalElements, total,
	}
}

// cover sets that a leaf is covered, and within which types it tells values apart.
func (l *leaf) covered(tells ...string) bool {
	l.cover, l.tells = covered, append([]string{}, tells...)
	return true
}

// presence is has(place), or "name" in a mapping that is always there. It tells values
// apart by whether they are there, and those above by their types.
func presence(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	asks := name == operators.Has || name == "hasValue" && len(operands) == 1 && expr.IsOptional(operands[0])
	if !asks && !a.isKeyOfRoot(l.expr, l.request) {
		return false
	}
	if name != operators.In {
		if _, ok := a.optional(operands[0], l.request); !ok {
			return false
		}
	}
	l.shallow = true
	return l.covered()
}

// isKeyOfRoot reports whether an expression is "name" in what is always an object.
func (a *analysis) isKeyOfRoot(e ast.Expr, request int) bool {
	name, operands := called(e)
	if name != operators.In {
		return false
	}
	key, ok := literal(operands[0])
	if _, isText := key.(string); !ok || !isText {
		return false
	}
	p, ok := a.placeOf(operands[1], request)
	return ok && p.up == nil && p.isObject()
}

func (p *place) isObject() bool {
	return p.kind == isArguments || p.kind == isAttributes || p.kind == isClaims
}

// bare is a place by itself.
func bare(a *analysis, l *leaf) bool {
	if _, ok := a.placeOf(l.expr, l.request); !ok {
		return false
	}
	l.shallow = true
	return l.covered("boolean")
}

// typeTest is type(place) == type.
func typeTest(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if name != operators.Equals && name != operators.NotEquals {
		return false
	}
	for i := range operands {
		f, of := called(operands[i])
		other := operands[1-i]
		if f != "type" || other.Kind() != ast.IdentKind || !known(other.AsIdent()) {
			continue
		}
		if _, ok := a.placeOf(of[0], l.request); ok {
			l.shallow = true
			return l.covered()
		}
	}
	return false
}

// written is string(place) compared with a constant by equality: at most one number is
// written as a text.
func written(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if name != operators.Equals && name != operators.NotEquals {
		return false
	}
	for i, x := range operands {
		f, of := called(x)
		if f != "string" || len(of) != 1 {
			continue
		}
		p, isPlace := a.placeOf(of[0], l.request)
		c, known := a.constant(operands[1-i], l.request)
		if !isPlace || !known {
			return false
		}
		p.compareWith(c, false)
		if text, isText := c.(string); isText {
			if f, err := strconv.ParseFloat(text, 64); err == nil {
				p.points = append(p.points, f)
			}
		}
		l.shallow = true
		return l.covered("string", "number", "boolean")
	}
	return false
}

// orders are the operators that compare by order.
var orders = []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals}

// comparing is place or constant == < <= > >= != place or constant. A place may have a
// value for where nothing stands: place.orValue(constant).
func comparing(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	ordered := slices.Contains(orders, name)
	if !ordered && name != operators.Equals && name != operators.NotEquals {
		return false
	}
	return a.compares(l, operands, ordered)
}

// membership is place or constant in a list of places and constants, or in the keys of a
// constant mapping.
func membership(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if name != operators.In {
		return false
	}
	if of, ok := a.constant(operands[1], l.request); ok {
		return a.comparesWith(l, operands[0], of)
	}
	if by, lists, ok := a.chosen(operands[1], l.request); ok {
		t, isTerm := a.term(operands[0], l.request)
		var elements []any
		for _, list := range lists {
			elements = append(elements, membersOf(list)...)
		}
		return isTerm && a.compared(l, []term{t, {choice: by}}, append(elements, t.values...), false)
	}
	if operands[1].Kind() != ast.ListKind || len(operands[1].AsList().OptionalIndices()) > 0 {
		return false
	}
	for _, x := range operands[1].AsList().Elements() {
		if _, ok := a.term(x, l.request); !ok {
			return false
		}
	}
	return a.compares(l, append([]ast.Expr{operands[0]}, operands[1].AsList().Elements()...), false)
}

func (a *analysis) comparesWith(l *leaf, e ast.Expr, of any) bool {
	t, ok := a.term(e, l.request)
	if !ok || t.place == nil {
		return false
	}
	return a.compared(l, []term{t}, membersOf(of), false)
}

// membersOf returns what is in a list, or the keys of a mapping. In all else in errs, whatever
// stands there.
func membersOf(of any) []any {
	if m, isMap := of.(map[string]any); isMap {
		return anys(slices.Sorted(maps.Keys(m)))
	}
	list, _ := of.([]any)
	return list
}

// A term is an operand of a comparison: a place, a constant, or what a place chooses of a
// constant mapping.
type term struct {
	place  *place
	values []any  // constants that take its place, or that it is
	choice *place // that a constant is chosen by
}

func (a *analysis) term(e ast.Expr, request int) (term, bool) {
	if p, ok := a.placeOf(e, request); ok {
		return term{place: p}, true
	}
	if v, ok := a.constant(e, request); ok {
		if _, none := v.(absent); none {
			return term{}, true // it errs
		}
		return term{values: []any{v}}, true
	}
	if by, values, ok := a.chosen(e, request); ok {
		return term{choice: by, values: values}, true
	}
	if name, operands := called(e); name == "orValue" && len(operands) == 2 {
		v, known := a.constant(operands[1], request)
		if p, ok := a.optional(operands[0], request); ok && known {
			return term{place: p, values: []any{v}}, true
		}
	}
	return term{}, false
}

// chosen returns the place that chooses among the values of a constant mapping, and what
// it may come to: mapping[place], or a field of that.
func (a *analysis) chosen(e ast.Expr, request int) (by *place, values []any, ok bool) {
	if e.Kind() == ast.SelectKind {
		by, of, ok := a.chosen(e.AsSelect().Operand(), request)
		for _, v := range of {
			m, _ := v.(map[string]any)
			if x, known := m[e.AsSelect().FieldName()]; known {
				values = append(values, x)
			}
		}
		return by, values, ok && !e.AsSelect().IsTestOnly()
	}
	name, operands := called(e)
	if name != operators.Index {
		return nil, nil, false
	}
	of, known := a.constant(operands[0], request)
	m, isMap := of.(map[string]any)
	p, isPlace := a.placeOf(operands[1], request)
	if !known || !isMap || !isPlace {
		return nil, nil, false
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		p.texts = append(p.texts, key)
		values = append(values, m[key])
	}
	return p, values, true
}

func (a *analysis) compares(l *leaf, operands []ast.Expr, ordered bool) bool {
	terms := make([]term, len(operands))
	var constants []any
	for i, x := range operands {
		t, ok := a.term(x, l.request)
		if !ok {
			return false
		}
		terms[i] = t
		constants = append(constants, t.values...)
	}
	return a.compared(l, terms, constants, ordered)
}

// compared notes that places are compared with each other and with constants.
func (a *analysis) compared(l *leaf, terms []term, constants []any, ordered bool) bool {
	var places []*place
	for _, t := range terms {
		if t.place != nil && !slices.Contains(places, t.place) {
			places = append(places, t.place)
		}
		if t.choice != nil && slices.ContainsFunc(terms, func(other term) bool { return other.place == t.choice }) {
			return false // the value chosen and what chooses it depend on each other
		}
	}
	composite := len(places) > 1 && !ordered || slices.ContainsFunc(constants, isComposite)
	if composite && slices.ContainsFunc(places, (*place).isComposed) {
		return false // equality looks at what stands below, too
	}
	for _, p := range places {
		a.unite(p, places[0], ordered && len(places) > 1)
		p.groupOf().equated = p.groupOf().equated || len(places) > 1
		for _, c := range constants {
			p.compareWith(c, ordered)
		}
	}
	l.shallow = true
	tells := []string{"number", "string", "boolean"}
	if composite {
		tells = append(tells, "array", "object")
	}
	return l.covered(tells...)
}

// isComposed reports whether there are places below a place, or it is an object that is
// always there, so that an object at the place is more than one value.
func (p *place) isComposed() bool { return len(p.below) > 0 || p.isObject() }

func isComposite(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// compareWith notes that a place is compared with a constant.
func (p *place) compareWith(c any, ordered bool) {
	switch v := c.(type) {
	case float64:
		p.points = append(p.points, v)
	case string:
		p.texts = append(p.texts, v)
		if ordered {
			p.langs = append(p.langs, before(v))
		}
	case []any, map[string]any:
		p.values = append(p.values, v)
	}
}
