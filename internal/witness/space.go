package witness

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/pdp"
)

// A space is the slots of a search and the values to try in each.
type space struct {
	slots []*slot // each before those below it
	index map[string]*slot
	// exact says that the values bring about whatever the parts can come to;
	// exactWithin, that those do which the schema allows.
	exact, exactWithin bool
}

// A slot is what stands at one path of a request, which a part looks at; candidates
// have values in it.
type slot struct {
	root   root
	path   []string
	values []any

	has     map[string]bool // the values, by their texts
	tooMany bool            // there would be more

	parent bool // another slot stands below it
	sole   kind // of all that may stand there, if it is not isMissing
	base   any  // what the request has there, or missing
	needs  needs
	group  *group
	schema fact
}

// needs are what the parts about one slot compare it with.
type needs struct {
	constants          []any // it is equal to, or ordered with
	ordered            bool
	isTrue             bool
	sizes              []any
	sized              bool
	prefixes, suffixes []string
	infixes, patterns  []string
	members            []any   // constants that may be members of it
	contains           []*slot // slots that may be members of it
	parts              int     // parts about it, but for has
	opaque             bool
	elements           [][]string // what opaque parts read below its members
	membersOf          int        // parts that ask for members of it
}

// A group is slots that are compared with each other, which have to be able
// to be equal and to differ: what one of them needs, all do.
type group struct {
	slots   []*slot
	ordered bool
	filling bool // a slot of it is being given values
}

// needs are those of all slots together.
func (g *group) needs() needs {
	n := needs{ordered: g.ordered}
	for _, p := range g.slots {
		m := &p.needs
		n.constants = slices.Concat(n.constants, m.constants)
		n.ordered = n.ordered || m.ordered
		n.isTrue = n.isTrue || m.isTrue
		n.sizes, n.sized = slices.Concat(n.sizes, m.sizes), n.sized || m.sized
		n.prefixes, n.suffixes = slices.Concat(n.prefixes, m.prefixes), slices.Concat(n.suffixes, m.suffixes)
		n.infixes, n.patterns = slices.Concat(n.infixes, m.infixes), slices.Concat(n.patterns, m.patterns)
		n.members, n.contains = slices.Concat(n.members, m.members), slices.Concat(n.contains, m.contains)
		n.parts += m.parts
		n.opaque = n.opaque || m.opaque
		n.elements = slices.Concat(n.elements, m.elements)
		n.membersOf += m.membersOf
	}
	return n
}

// space finds the slots and their values.
func (q *Search) space() *space {
	s := &space{index: map[string]*slot{}, exact: true, exactWithin: true}
	for _, p := range q.Parts {
		q.note(s, p)
	}
	slices.SortStableFunc(s.slots, func(a, b *slot) int { return len(a.path) - len(b.path) })
	for _, p := range s.slots {
		if p.root == ofArguments {
			p.schema = q.Schema.at(p.path)
			s.exactWithin = s.exactWithin && p.schema.exact && q.Schema.carries(p)
		}
	}
	for _, p := range s.slots {
		s.fill(p)
	}
	for _, p := range s.slots {
		s.claim(p)
		s.dress(q, p)
	}
	s.exactWithin = s.exactWithin && q.Schema.exact()
	return s
}

// slot returns a slot, and makes it and those above it when it is new.
func (s *space) slot(r root, path []string) *slot {
	if p := s.index[r.key(path)]; p != nil {
		return p
	}
	if len(path) > 1 {
		above := s.slot(r, path[:len(path)-1:len(path)-1])
		above.parent = true
		if r == ofResource {
			above.sole = isMap
		}
	}
	p := &slot{root: r, path: path, base: missing{}}
	p.group = &group{slots: []*slot{p}}
	s.index[r.key(path)] = p
	s.slots = append(s.slots, p)
	return p
}

// A side is a term of a part: an open slot, or a value.
type side struct {
	slot  *slot
	value any
	size  bool
}

// note takes down what a part needs.
func (q *Search) note(s *space, part pdp.Part) {
	var sides []side
	known := part.Relation != pdp.Opaque
	for _, t := range part.Terms {
		at := q.resolve(t)
		below := len(at.path) > 0
		switch {
		case at.open && at.sole == isMap && part.Relation == pdp.Has:
			sides = append(sides, side{value: map[string]any{}}) // it is always there
		case at.open && (at.root == ofElse || below != at.root.isBelow()):
			known = false
		case at.open:
			slot := s.slot(at.root, at.path)
			slot.base, slot.sole = at.value, at.sole
			sides = append(sides, side{slot: slot, size: t.Size})
		case t.Size:
			sides = append(sides, side{value: sizeOf(at.value)})
		default:
			sides = append(sides, side{value: at.value})
		}
	}
	if !known || !noteKnown(part.Relation, sides) {
		s.exact = false
		noteOpaque(sides, asText(part.Functions))
		q.noteElements(s, part.Elements)
	}
}

// noteElements has lists try members that differ where a part looks.
func (q *Search) noteElements(s *space, elements []pdp.Term) {
	for _, t := range elements {
		i := slices.Index(t.Path, "")
		at := q.resolve(pdp.Term{Path: t.Path[:i]})
		if below := t.Path[i+1:]; at.open && at.root != ofElse && len(at.path) > 0 && !slices.Contains(below, "") {
			n := &s.slot(at.root, at.path).needs
			n.elements = append(n.elements, below)
		}
	}
}

// isBelow reports whether slots of the root have paths.
func (r root) isBelow() bool { return r != ofID && r != ofName && r != ofResourceID }

// noteOpaque has each slot try the constants that are given and that are
// mentioned with it, and what lies near them.
func noteOpaque(sides []side, constants []any) {
	for _, b := range sides {
		if b.slot == nil {
			constants = append(constants, b.value)
			if of, ok := b.value.([]any); ok {
				constants = append(constants, of...)
			}
		}
	}
	constants = different(constants)
	values, seen := near(constants), map[*slot]bool{}
	for _, a := range sides {
		if a.slot == nil {
			continue
		}
		n := &a.slot.needs
		n.opaque = true
		n.parts++
		if seen[a.slot] {
			continue
		}
		seen[a.slot] = true
		n.constants = append(n.constants, values...)
		n.members = append(n.members, constants...)
		n.patterns = append(n.patterns, stringsOf(constants)...)
		if len(constants) > 0 {
			n.members = append(n.members, nil)
		}
	}
}

// maxMentioned is how many constants an opaque part has each of its slots try.
const maxMentioned = 256

// different returns constants without repetitions, the first of them where there
// are very many.
func different(constants []any) []any {
	var list []any
	seen := map[string]bool{}
	for _, c := range constants {
		if key := textOf(c); !seen[key] && len(list) < maxMentioned {
			seen[key] = true
			list = append(list, c)
		}
	}
	return list
}

// noteKnown reports whether the relation of the sides is understood.
func noteKnown(relation pdp.Relation, sides []side) bool {
	for _, x := range sides {
		if x.slot != nil && relation != pdp.Has {
			x.slot.needs.parts++
		}
	}
	a := sides[0]
	if len(sides) == 1 {
		if relation == pdp.True && a.slot != nil {
			a.slot.needs.isTrue = true
		}
		return !a.size
	}
	b := sides[1]
	switch relation {
	case pdp.Equal, pdp.Ordered:
		return compared(a, b, relation == pdp.Ordered)
	case pdp.In:
		return member(a, b)
	case pdp.HasPrefix, pdp.HasSuffix, pdp.Contains, pdp.Matches:
		return text(relation, a, b)
	case pdp.Opaque, pdp.True, pdp.Has:
	}
	return false
}

func compared(a, b side, ordered bool) bool {
	if a.slot == nil {
		a, b = b, a
	}
	switch {
	case a.slot == nil:
		return true // nothing is open
	case b.slot == nil && a.size:
		a.slot.needs.sized = true
		a.slot.needs.sizes = append(a.slot.needs.sizes, b.value)
	case b.slot == nil:
		a.slot.needs.constants = append(a.slot.needs.constants, b.value)
		a.slot.needs.ordered = a.slot.needs.ordered || ordered
	case a.size || b.size || a.slot == b.slot:
		return false
	default:
		join(a.slot, b.slot)
		a.slot.group.ordered = a.slot.group.ordered || ordered
	}
	return true
}

func join(a, b *slot) {
	if a.group == b.group {
		return
	}
	a.group.ordered = a.group.ordered || b.group.ordered
	a.group.slots = append(a.group.slots, b.group.slots...)
	for _, p := range b.group.slots {
		p.group = a.group
	}
}

func member(a, b side) bool {
	switch {
	case a.size || b.size:
		return false
	case a.slot == nil && b.slot == nil:
	case b.slot == nil:
		switch of := b.value.(type) {
		case []any:
			a.slot.needs.constants = append(a.slot.needs.constants, of...)
		case map[string]any:
			for key := range of {
				a.slot.needs.constants = append(a.slot.needs.constants, key)
			}
		}
	case a.slot == nil:
		b.slot.needs.members = append(b.slot.needs.members, a.value)
		b.slot.needs.membersOf++
	case a.slot == b.slot:
		return false
	case !slices.Contains(b.slot.needs.contains, a.slot):
		b.slot.needs.contains = append(b.slot.needs.contains, a.slot)
		b.slot.needs.membersOf++
	}
	return true
}

func text(relation pdp.Relation, a, b side) bool {
	sought, ok := b.value.(string)
	switch {
	case b.slot != nil:
		return false
	case a.slot == nil:
		return true
	case a.size || !ok:
		return false
	}
	n := &a.slot.needs
	switch relation {
	case pdp.HasPrefix:
		n.prefixes = append(n.prefixes, sought)
	case pdp.HasSuffix:
		n.suffixes = append(n.suffixes, sought)
	case pdp.Contains:
		n.infixes = append(n.infixes, sought)
	default:
		n.patterns = append(n.patterns, sought)
	}
	return true
}

// choices lists combinations of values, one index a slot. It is all of them,
// unless there are more than the bound.
func (s *space) choices(bound int) (list [][]int, all bool) {
	total := 1
	for _, p := range s.slots {
		total *= len(p.values)
		if total > bound {
			return s.some(bound), false
		}
	}
	for n := range total {
		list = append(list, s.choice(n))
	}
	return list, true
}

// choice is a combination by its number; the first slot changes fastest.
func (s *space) choice(n int) []int {
	c := make([]int, len(s.slots))
	for i, p := range s.slots {
		c[i] = n % len(p.values)
		n /= len(p.values)
	}
	return c
}

// some lists combinations in which each value of each slot occurs, beside the
// first of the others and along with others.
func (s *space) some(bound int) [][]int {
	var list [][]int
	add := func(c []int) {
		if len(list) < bound {
			list = append(list, c)
		}
	}
	first := make([]int, len(s.slots))
	add(first)
	for i, p := range s.slots {
		for v := range p.values {
			c := slices.Clone(first)
			c[i] = v
			add(c)
		}
	}
	for i, p := range s.slots {
		for j, other := range s.slots[:i] {
			for v := range len(p.values) * len(other.values) {
				c := slices.Clone(first)
				c[i], c[j] = v%len(p.values), v/len(p.values)
				add(c)
			}
		}
	}
	return list
}
