package solver

import (
	"slices"
	"sync"

	sat "github.com/crillab/gophersat/solver"
)

// An encoding is a question as clauses: a variable for each value of each place, of which
// the place has exactly one, and two for each node of the formulas: that it is true, and
// that it is false. Where neither holds it is an error.
type encoding struct {
	a       *analysis
	clauses [][]int
	n       int // variables
	first   map[*place]int
	nodes   map[*node]truth
	leaves  map[*leaf]truth
	// relaxed says that leaves count only as far as they are covered, and places may
	// have values that are not known.
	relaxed bool
}

// truth has the variables of a node.
type truth struct{ yes, no int }

func (a *analysis) encode(relaxed bool) *encoding {
	e := &encoding{a: a, first: map[*place]int{}, nodes: map[*node]truth{}, leaves: map[*leaf]truth{}, relaxed: relaxed}
	for _, p := range a.places {
		if p.kind != isElement {
			e.place(p)
		}
	}
	for _, p := range a.places {
		e.alternatives(p)
	}
	for _, l := range a.list {
		e.leaf(l)
	}
	for _, g := range a.goals {
		e.goal(g)
	}
	return e
}

func (e *encoding) add(clause ...int) { e.clauses = append(e.clauses, clause) }

func (e *encoding) fresh() int {
	e.n++
	return e.n
}

// is returns the variable of a place's having a value of its domain.
func (e *encoding) is(p *place, value int) int { return e.first[p] + value }

// place says that a place has one value, and none if nothing can be there.
func (e *encoding) place(p *place) {
	e.first[p] = e.n + 1
	e.n += len(p.domain)
	all := make([]int, len(p.domain))
	for i := range p.domain {
		all[i] = e.is(p, i)
		if i >= p.sure && !e.relaxed {
			e.add(-all[i])
		}
	}
	e.add(all...)
	e.atMostOne(all)
	if p.up == nil {
		return
	}
	for i, v := range p.up.domain {
		above := e.is(p.up, i)
		for j, x := range p.domain {
			_, none := x.(absent)
			if isMapping(v) && none && p.required() || !isMapping(v) && !none {
				e.add(-above, -e.is(p, j))
			}
		}
	}
}

// atMostOne says so of some variables, one after the other.
func (e *encoding) atMostOne(list []int) {
	if len(list) <= 5 {
		for i, x := range list {
			for _, y := range list[i+1:] {
				e.add(-x, -y)
			}
		}
		return
	}
	before := 0 // one of those so far is true
	for i, x := range list {
		if i > 0 {
			e.add(-before, -x)
		}
		sum := e.fresh()
		e.add(-x, sum)
		if i > 0 {
			e.add(-before, sum)
		}
		before = sum
	}
}

func (e *encoding) truth() truth {
	t := truth{e.fresh(), e.fresh()}
	e.add(-t.yes, -t.no)
	return t
}

// leaf says what a leaf comes to for the values of its variables.
func (e *encoding) leaf(l *leaf) {
	t := e.truth()
	e.leaves[l] = t
	if l.foreign || e.relaxed && l.cover == uncovered {
		return
	}
	for _, r := range l.rows {
		e.row(l, r)
	}
}

// row says what a leaf comes to for one row of its table.
func (e *encoding) row(l *leaf, r row) {
	cover := covered
	if e.relaxed {
		cover = l.coverOf(r)
	}
	if cover == uncovered {
		return
	}
	t := e.leaves[l]
	from := make([]int, 0, len(r.at)+2)
	for i, p := range l.vars {
		from = append(from, -e.is(p, r.at[i]))
	}
	say := func(literals ...int) { e.add(slices.Concat(from, literals)...) }
	switch {
	case r.out == Errored:
		say(-t.yes)
		say(-t.no)
	case cover == typed:
		say(t.yes, t.no)
	case r.out == Met:
		say(t.yes)
	default:
		say(t.no)
	}
}

// unsure reports whether a row has a value that does not stand for all that it should:
// one of a rough type within which the leaf tells values apart.
func (l *leaf) unsure(r row) bool {
	for i, p := range l.vars {
		if r.at[i] >= p.sure && (l.tells == nil || slices.Contains(l.tells, typeOf(p.domain[r.at[i]])) && slices.Contains(l.places, p)) {
			return true
		}
	}
	return false
}

// node returns what a node comes to by what its parts do.
func (e *encoding) node(n *node) truth {
	if n.op == isLeaf {
		return e.leaves[n.leaf]
	}
	if t, ok := e.nodes[n]; ok {
		return t
	}
	parts := make([]truth, len(n.args))
	for i, x := range n.args {
		parts[i] = e.node(x)
	}
	var t truth
	switch n.op {
	case isNot:
		t = truth{parts[0].no, parts[0].yes}
	case isAnd:
		t = truth{e.and(parts[0].yes, parts[1].yes), e.or(parts[0].no, parts[1].no)}
	case isOr:
		t = truth{e.or(parts[0].yes, parts[1].yes), e.and(parts[0].no, parts[1].no)}
	case isIf:
		c, x, y := parts[0], parts[1], parts[2]
		t = truth{
			e.or(e.and(c.yes, x.yes), e.and(c.no, y.yes)),
			e.or(e.and(c.yes, x.no), e.and(c.no, y.no)),
		}
	case isLeaf:
	}
	e.nodes[n] = t
	return t
}

// and returns a variable that is true if all of some are, and only then.
func (e *encoding) and(list ...int) int {
	v := e.fresh()
	all := []int{v}
	for _, x := range list {
		e.add(-v, x)
		all = append(all, -x)
	}
	e.add(all...)
	return v
}

func (e *encoding) or(list ...int) int {
	negatives := make([]int, len(list))
	for i, x := range list {
		negatives[i] = -x
	}
	return -e.and(negatives...)
}

// formula returns what a formula comes to.
func (e *encoding) formula(f *formulaNode) truth {
	if f.expr != nil {
		return e.node(f.expr)
	}
	parts := make([]truth, len(f.list))
	for i, x := range f.list {
		if parts[i] = e.formula(x); f.kind == isNone {
			parts[i] = truth{parts[i].no, parts[i].yes}
			if !f.strict { // an error is as good as false
				parts[i].yes = -parts[i].no
			}
		}
	}
	if f.kind == isAny {
		return e.list(parts, f.strict, func(t truth) truth { return truth{t.no, t.yes} }, true)
	}
	return e.list(parts, f.strict, func(t truth) truth { return t }, false)
}

// list is true if all parts are, as side has them; swap exchanges that with false. In
// strict evaluation the first part that is not true decides between false and an error.
func (e *encoding) list(parts []truth, strict bool, side func(truth) truth, swap bool) truth {
	on := e.and() // all so far are true
	var off []int // one is false, and all before are true
	for _, p := range parts {
		p = side(p)
		switch {
		case strict:
			off = append(off, e.and(on, p.no))
			on = e.and(on, p.yes)
		case swap: // any: an error is as good as false, which is true here
			on = e.and(on, -p.no)
		default:
			on = e.and(on, p.yes)
		}
	}
	t := truth{on, -on}
	if strict {
		t.no = e.or(off...)
	}
	if swap {
		t = truth{t.no, t.yes}
	}
	return t
}

// goal says that a formula comes to one of some outcomes.
func (e *encoding) goal(g target) {
	t := e.formula(g.formula)
	if !g.to.Has(Met) {
		e.add(-t.yes)
	}
	if !g.to.Has(Unmet) {
		e.add(-t.no)
	}
	if !g.to.Has(Errored) {
		e.add(t.yes, t.no)
	}
}

// searching lets one search go on at a time: gophersat 1.4.0 has one buffer for the clauses
// that all its solvers learn.
var searching sync.Mutex

// model returns the index of each place's value in a solution, or nil if there is none.
func (e *encoding) model() map[*place]int {
	for _, c := range e.clauses {
		if len(c) == 0 {
			return nil
		}
	}
	problem := sat.ParseSliceNb(e.clauses, e.n)
	s := sat.New(problem)
	searching.Lock()
	status := s.Solve()
	searching.Unlock()
	if status != sat.Sat {
		return nil
	}
	values := s.Model()
	at := map[*place]int{}
	for p, first := range e.first {
		for i := range p.domain {
			if values[first-1+i] {
				at[p] = i
			}
		}
	}
	return at
}

// exclude rules a model out.
func (e *encoding) exclude(at map[*place]int) {
	var clause []int
	for _, p := range e.a.places {
		if i, ok := at[p]; ok && len(p.domain) > 1 {
			clause = append(clause, -e.is(p, i))
		}
	}
	e.add(clause...)
}
