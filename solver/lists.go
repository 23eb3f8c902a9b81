package solver

import (
	"fmt"
	"math"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A lists maker makes the lists of a place for what leaves ask of their elements. The
// element is a place of its own.
type lists struct {
	list    *place
	element *place
	// tests are expressions about the list which, for a list of one element, come to what
	// is asked of the element. Elements with equal answers to all are alike, unless they
	// are compared with other places, or cannot be asked about by themselves.
	tests   []string
	request int
	related bool
	least   int  // elements that the schemas ask for
	needed  int  // elements that the leaves depend on, together
	count   int  // the largest number of alike elements that makes a difference
	first   bool // it makes a difference which element is the first
	size    int  // the length from which on lists are alike as far as their size goes
	sized   int  // elements of needed that only the size asks for
	counts  bool // how many alike elements there are makes a difference
}

func (m *lists) typeName() string { return "array" }

// listsAt returns the maker of a place's lists. There is none where an object is made of
// the places below it, as its keys would be asked about in the same way.
func (a *analysis) listsAt(p *place) (*lists, bool) {
	for _, m := range p.makers {
		if m, ok := m.(*lists); ok {
			return m, true
		}
	}
	if p.allows("object") && p.isComposed() || p.kind == isID || p.kind == isClock {
		return nil, false
	}
	m := &lists{list: p, element: &place{
		key: p.key + "[]", name: "[]", kind: isElement, depth: p.depth + 1, schemas: itemFacts(p.schemas, math.MaxInt32), copies: 1,
	}, count: 1}
	for _, s := range narrowed(p.schemas, "array") {
		m.least = max(m.least, s.MinItems)
	}
	a.addRequired(m.element)
	a.allLists = append(a.allLists, m)
	p.makers = append(p.makers, m, &keys{m})
	return m, true
}

// need notes that a leaf depends on so many elements, and on counts of alike ones up to
// another number.
func (m *lists) need(elements, count int) {
	m.needed += elements
	m.count = max(m.count, count)
}

// overElements looks at the body of a macro over a list that is a place, with its variable
// bound to the element. It is not ok for another.
func (a *analysis) overElements(operands []ast.Expr, request int, look func(*lists)) (p *place, m *lists, ok bool) {
	if len(operands) != 3 || operands[1].Kind() != ast.IdentKind || a.bound[operands[1].AsIdent()] != nil {
		return nil, nil, false
	}
	if p, ok = a.placeOf(operands[0], request); !ok {
		return nil, nil, false
	}
	if m, ok = a.listsAt(p); !ok {
		return nil, nil, false
	}
	variable := operands[1].AsIdent()
	a.bound[variable] = m.element
	look(m)
	delete(a.bound, variable)
	return p, m, true
}

// quantified is list.exists, all, exists_one, and the size of list.filter compared with a
// constant.
func quantified(a *analysis, l *leaf) bool {
	e, needed := l.expr, 1
	if of, n, ok := a.sized(e, l.request); ok {
		e, needed = of, n
	}
	name, operands := called(e)
	switch {
	case name == "filter" && e != l.expr:
	case name == "exists_one" || name == "existsOne":
		needed = 2
	case name != "exists" && name != "all" || e != l.expr:
		return false
	}
	covers := false
	p, m, ok := a.overElements(operands, l.request, func(*lists) { covers = a.coversBody(operands[2], l.request) })
	if !ok || !covers {
		return false
	}
	m.need(needed, needed)
	m.counts = m.counts || needed > 1 || e != l.expr
	m.test(a, p, operands[0], l.request, fact.NewMemberCall(0, "exists", operands[0], operands[1], operands[2]))
	return l.coveredLists()
}

// coveredLists covers a leaf that looks into lists.
func (l *leaf) coveredLists() bool {
	l.shallow = true
	l.cover, l.tells = covered, nil
	return true
}

// test notes an expression that asks about one element.
func (m *lists) test(a *analysis, p *place, list ast.Expr, request int, e ast.Expr) {
	r := a.readsOf(e, request)
	if path, exact := expr.Path(list); !exact || a.bound[path[0]] != nil || len(r.places) != 1 || r.places[0] != p || r.foreign {
		m.related = true
		return
	}
	m.tests, m.request = append(m.tests, expr.Print(e)), request
}

// coversBody notes the leaves of what is asked of an element, and reports whether all are
// covered.
func (a *analysis) coversBody(e ast.Expr, request int) bool {
	name, operands := called(e)
	switch name {
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional:
		return !slices.ContainsFunc(operands, func(x ast.Expr) bool { return !a.coversBody(x, request) })
	case operators.Equals, operators.NotEquals:
		if isBoolean(operands[0]) && isBoolean(operands[1]) {
			return a.coversBody(operands[0], request) && a.coversBody(operands[1], request)
		}
	}
	one := &leaf{text: expr.Print(e), expr: e, request: request, reads: a.readsOf(e, request)}
	return len(one.places) == 0 && !one.foreign && !one.partly || a.isKind(one) && one.cover == covered && one.loose == ""
}

// sized returns what the size of is compared with a constant in an expression, and how many
// elements that depends on.
func (a *analysis) sized(e ast.Expr, request int) (of ast.Expr, needed int, ok bool) {
	name, operands := called(e)
	if !slices.Contains(orders, name) && name != operators.Equals && name != operators.NotEquals {
		return nil, 0, false
	}
	for i, x := range operands {
		f, list := called(x)
		c, known := a.constant(operands[1-i], request)
		n, isNumber := c.(float64)
		if f == "size" && len(list) == 1 && known && isNumber && n < mostElements {
			return list[0], int(max(0, math.Floor(n))) + 1, true
		}
	}
	return nil, 0, false
}

// mostElements is the longest list that is looked into.
const mostElements = 24

// listSize is the size of a list, a mapping or a text, compared with a constant.
func listSize(a *analysis, l *leaf) bool {
	of, needed, ok := a.sized(l.expr, l.request)
	if !ok {
		return false
	}
	p, ok := a.placeOf(of, l.request)
	if !ok {
		return false
	}
	m, ok := a.listsAt(p)
	if !ok {
		return false
	}
	if _, n, _ := a.sizeOf(l); !noteTextSize(p, n) {
		return false
	}
	m.need(needed, needed)
	m.size, m.sized = max(m.size, needed), m.sized+needed
	return l.coveredLists()
}

// member is constant or place in a list.
func member(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if name != operators.In {
		return false
	}
	p, ok := a.placeOf(operands[1], l.request)
	if !ok {
		return false
	}
	t, ok := a.term(operands[0], l.request)
	if !ok || t.choice != nil {
		return false
	}
	m, ok := a.listsAt(p)
	if !ok || slices.ContainsFunc(t.values, isComposite) || t.place != nil && t.place.isComposed() {
		return false
	}
	m.need(1, 1)
	a.compareElement(m, t)
	if t.place == nil {
		m.test(a, p, operands[1], l.request, l.expr)
	}
	return l.coveredLists()
}

// compareElement notes that elements are compared with a term.
func (a *analysis) compareElement(m *lists, t term) {
	for _, v := range t.values {
		m.element.compareWith(v, false)
	}
	if t.place != nil {
		a.unite(m.element, t.place, false)
		t.place.groupOf().equated = true
		m.related = true
	}
}

// setRelations are functions that relate the elements of two lists.
var setRelations = map[string]bool{"hasIntersection": true, "has_intersection": true, "isSubset": true, "is_subset": true}

// related is a relation of a list and another, or a constant list.
func related(a *analysis, l *leaf) bool {
	operands, most, ok := a.setOperands(l)
	if !ok {
		return false
	}
	var makers []*lists
	var at []*place
	var constants []any
	for _, x := range operands {
		if p, ok := a.placeOf(x, l.request); ok {
			m, ok := a.listsAt(p)
			if !ok || slices.Contains(at, p) {
				return false
			}
			makers, at = append(makers, m), append(at, p)
			continue
		}
		v, ok := a.constant(x, l.request)
		list, isList := v.([]any)
		if !ok || !isList || slices.ContainsFunc(list, isComposite) {
			return false
		}
		constants = list
	}
	for i, m := range makers {
		m.need(max(most, 1+len(constants)), most)
		m.counts = m.counts || most > 1
		for _, v := range constants {
			m.element.compareWith(v, false)
			if s, isText := v.(string); isText {
				list := operands[slices.IndexFunc(operands, func(x ast.Expr) bool { p, ok := a.placeOf(x, l.request); return ok && p == at[i] })]
				m.test(a, at[i], list, l.request, fact.NewCall(0, operators.In, literalOf(s), list))
			} else {
				m.related = true
			}
		}
		if i > 0 {
			a.unite(makers[0].element, m.element, false)
			m.element.groupOf().equated = true
			makers[0].related, m.related = true, true
		}
	}
	return len(makers) > 0 && l.coveredLists()
}

// neededOf is how many different elements all lists whose elements are compared with each
// other depend on: what one leaf depends on may have to be an element of another list, too.
func (m *lists) neededOf(a *analysis) int {
	if !m.related {
		return m.needed
	}
	n := 0
	for _, other := range a.allLists {
		if other.related {
			n += other.needed
		}
	}
	return n
}

// countElements says of all elements, and what they are made of, how many there may be at
// once.
func (a *analysis) countElements() {
	var down func(p *place, copies int)
	down = func(p *place, copies int) {
		p.copies = max(p.copies, copies)
		for _, m := range p.makers {
			if m, ok := m.(*lists); ok {
				n := 1
				if !m.repeats() {
					n = min(mostElements, max(1, m.neededOf(a), m.least))
				}
				down(m.element, copies*n)
			}
		}
		for _, x := range p.below {
			down(x, copies)
		}
	}
	for _, p := range a.places {
		if p.up == nil {
			down(p, 1)
		}
	}
}

// repeats reports whether one element may stand for all that are alike.
func (m *lists) repeats() bool {
	return len(m.tests) > 0 && !m.related && !m.isUnique() && !m.list.allows("object")
}

// isUnique reports whether no two elements may be equal.
func (m *lists) isUnique() bool {
	return slices.ContainsFunc(narrowed(m.list.schemas, "array"), func(s *jsonschema.Schema) bool { return s.UniqueItems })
}

// make returns lists of at most as many elements as all leaves together depend on, and of
// at most so many alike ones as make a difference.
func (m *lists) make(a *analysis, p *place) ([]any, bool) {
	needed, count := max(m.neededOf(a), m.least), max(m.count, m.least)
	enough := m.least <= mostElements && plainLists(p.schemas) && len(p.groupOf().members) == 1
	unique := m.isUnique()
	classes, sure := a.elementClasses(m, p)
	if m.repeats() {
		for i := range classes {
			classes[i] = classes[i][:1]
		}
	}
	values, all := combine(classes, needed, count, unique)
	if !all && !unique && !m.counts && !m.related && !m.first {
		values, all = combine(classes, m.needed-m.sized+1, 1, false)
		values, all = padded(values, max(m.size, m.least), all)
	}
	if !all {
		values, _ = combine(classes, min(needed, 2), 1, true)
	}
	if m.first {
		values = withFirst(values)
	}
	for _, v := range p.groupOf().values {
		if typeOf(v) == "array" {
			values, enough = append(values, v), false // lists compared as a whole beside
		}
	}
	return values, enough && sure && all
}

// plainLists reports whether schemas say no more of lists than the elements' schema and
// how many there are.
func plainLists(schemas []*jsonschema.Schema) bool {
	schemas = narrowed(schemas, "array")
	for _, s := range schemas {
		if len(s.PrefixItems) > 0 || s.Contains != nil || s.UnevaluatedItems != nil || s.AdditionalItems != nil || len(s.Enum)+len(s.Constant) > 0 {
			return false
		}
		if _, tuple := s.Items.([]*jsonschema.Schema); tuple {
			return false
		}
		for _, x := range sameValue(s) {
			if !slices.Contains(schemas, x) && !allRuleOut(x, "array", nil) && (len(underneath(x)) > 0 || len(sameValue(x)) > 0 || x.MinItems > 0 || x.MaxItems >= 0 || x.UniqueItems || len(x.Enum)+len(x.Constant) > 0) {
				return false
			}
		}
	}
	return true
}

// elementClasses returns values of the element, those together that nothing tells apart. It
// says whether they are all that there need be.
func (a *analysis) elementClasses(m *lists, p *place) (classes [][]any, sure bool) {
	var places []*place
	sure = true
	var down func(x *place)
	down = func(x *place) {
		a.fill(x)
		places = append(places, x)
		sure = sure && len(x.domain) == x.sure
		for _, y := range x.below {
			down(y)
		}
	}
	down(m.element)
	var values []any
	full := each(places, func(at []int) bool {
		assigned := assignment{}
		for i, x := range places {
			assigned[x] = x.domain[at[i]]
		}
		v := a.valueOf(m.element, assigned)
		if m.element.takes(v) {
			values = append(values, v)
		} else if missing := slices.ContainsFunc(places, func(x *place) bool { return x.required() && assigned[x] == any(absent{}) }); !missing {
			sure = false // the schema says something of the parts together
		}
		return len(values) < a.limits.Values/4
	})
	sure = sure && full
	if m.related {
		for _, v := range values {
			classes = append(classes, []any{v})
		}
		return classes, sure
	}
	answers, err := a.elementAnswers(m, p, values)
	if err != nil {
		a.failed = err
		return nil, false
	}
	index := map[string]int{}
	for i, v := range values {
		key := answers[i]
		n, known := index[key]
		if !known {
			n = len(classes)
			index[key] = n
			classes = append(classes, nil)
		}
		classes[n] = append(classes[n], v)
	}
	return classes, sure
}

// elementAnswers has the engine say what each element answers to all tests. Texts are
// apart from all else, as they alone are keys of mappings.
func (a *analysis) elementAnswers(m *lists, p *place, values []any) ([]string, error) {
	answers := make([]string, len(values))
	var trials []Trial
	for i, v := range values {
		answers[i] = fmt.Sprint(typeOf(v) == "string", " ")
		request, now := a.request(m.request, holding(p, []any{v}))
		for n := range m.tests {
			trials = append(trials, Trial{Text: n, Request: request, Now: now})
		}
	}
	if len(trials) == 0 {
		return answers, nil
	}
	a.steps += len(trials)
	outcomes, err := a.evaluate(m.tests, trials)
	for i, o := range outcomes {
		answers[i/len(m.tests)] += o.String() + " "
	}
	return answers, err
}

// holding assigns a value to a place, and objects to all above it.
func holding(p *place, v any) assignment {
	values := assignment{p: v}
	for up := p.up; up != nil; up = up.up {
		values[up] = mapping{}
	}
	return values
}
