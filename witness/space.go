package witness

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/pdp"
)

// A space is the places of a question and the values to try in each.
type space struct {
	places []*place // each before those below it
	index  map[string]*place
	// exact says that the values bring about whatever the parts can come to;
	// exactWithin, that those do which the schema allows.
	exact, exactWithin bool
}

// A place is somewhere in a request that a part looks at.
type place struct {
	root   root
	path   []string
	values []any

	has     map[string]bool // the values, by their texts
	tooMany bool            // there would be more

	parent bool // another place stands below it
	sole   kind // of all that may stand there, if it is not isMissing
	base   any  // what the request has there, or missing
	needs  needs
	group  *group
	schema fact
}

// needs are what the parts about one place compare it with.
type needs struct {
	constants          []any // it is equal to, or ordered with
	ordered            bool
	isTrue             bool
	sizes              []any
	sized              bool
	prefixes, suffixes []string
	infixes, patterns  []string
	members            []any    // constants that may be members of it
	contains           []*place // places that may be members of it
	parts              int      // parts about it, but for has
	opaque             bool
	elements           [][]string // what opaque parts read below its members
	membersOf          int        // parts that ask for members of it
}

// A group is places that are compared with each other, which have to be able
// to be equal and to differ: what one of them needs, all do.
type group struct {
	places  []*place
	ordered bool
	filling bool // a place of it is being given values
}

// needs are those of all places together.
func (g *group) needs() needs {
	n := needs{ordered: g.ordered}
	for _, p := range g.places {
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

// space finds the places and their values.
func (q *Question) space() *space {
	s := &space{index: map[string]*place{}, exact: true, exactWithin: true}
	for _, p := range q.Parts {
		q.note(s, p)
	}
	slices.SortStableFunc(s.places, func(a, b *place) int { return len(a.path) - len(b.path) })
	for _, p := range s.places {
		if p.root == ofArguments {
			p.schema = q.Schema.at(p.path)
			s.exactWithin = s.exactWithin && p.schema.exact && q.Schema.carries(p)
		}
	}
	for _, p := range s.places {
		s.fill(p)
	}
	for _, p := range s.places {
		s.claim(p)
	}
	s.exactWithin = s.exactWithin && q.Schema.exact()
	return s
}

// place returns a place, and makes it and those above it when it is new.
func (s *space) place(r root, path []string) *place {
	if p := s.index[r.key(path)]; p != nil {
		return p
	}
	if len(path) > 1 {
		above := s.place(r, path[:len(path)-1:len(path)-1])
		above.parent = true
		if r == ofResource {
			above.sole = isMap
		}
	}
	p := &place{root: r, path: path, base: missing{}}
	p.group = &group{places: []*place{p}}
	s.index[r.key(path)] = p
	s.places = append(s.places, p)
	return p
}

// A side is a term of a part: an open place, or a value.
type side struct {
	place *place
	value any
	size  bool
}

// note takes down what a part needs.
func (q *Question) note(s *space, part pdp.Part) {
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
			place := s.place(at.root, at.path)
			place.base, place.sole = at.value, at.sole
			sides = append(sides, side{place: place, size: t.Size})
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
func (q *Question) noteElements(s *space, elements []pdp.Term) {
	for _, t := range elements {
		i := slices.Index(t.Path, "")
		at := q.resolve(pdp.Term{Path: t.Path[:i]})
		if below := t.Path[i+1:]; at.open && at.root != ofElse && len(at.path) > 0 && !slices.Contains(below, "") {
			n := &s.place(at.root, at.path).needs
			n.elements = append(n.elements, below)
		}
	}
}

// isBelow reports whether places of the root have paths.
func (r root) isBelow() bool { return r != ofID && r != ofName && r != ofResourceID }

// noteOpaque has each place try the constants that are given and that are
// mentioned with it, and what lies near them.
func noteOpaque(sides []side, constants []any) {
	for _, b := range sides {
		if b.place == nil {
			constants = append(constants, b.value)
			if of, ok := b.value.([]any); ok {
				constants = append(constants, of...)
			}
		}
	}
	constants = different(constants)
	values, seen := near(constants), map[*place]bool{}
	for _, a := range sides {
		if a.place == nil {
			continue
		}
		n := &a.place.needs
		n.opaque = true
		n.parts++
		if seen[a.place] {
			continue
		}
		seen[a.place] = true
		n.constants = append(n.constants, values...)
		n.members = append(n.members, constants...)
		n.patterns = append(n.patterns, stringsOf(constants)...)
		if len(constants) > 0 {
			n.members = append(n.members, nil)
		}
	}
}

// maxMentioned is how many constants an opaque part has each of its places try.
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
		if x.place != nil && relation != pdp.Has {
			x.place.needs.parts++
		}
	}
	a := sides[0]
	if len(sides) == 1 {
		if relation == pdp.True && a.place != nil {
			a.place.needs.isTrue = true
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
	if a.place == nil {
		a, b = b, a
	}
	switch {
	case a.place == nil:
		return true // nothing is open
	case b.place == nil && a.size:
		a.place.needs.sized = true
		a.place.needs.sizes = append(a.place.needs.sizes, b.value)
	case b.place == nil:
		a.place.needs.constants = append(a.place.needs.constants, b.value)
		a.place.needs.ordered = a.place.needs.ordered || ordered
	case a.size || b.size || a.place == b.place:
		return false
	default:
		join(a.place, b.place)
		a.place.group.ordered = a.place.group.ordered || ordered
	}
	return true
}

func join(a, b *place) {
	if a.group == b.group {
		return
	}
	a.group.ordered = a.group.ordered || b.group.ordered
	a.group.places = append(a.group.places, b.group.places...)
	for _, p := range b.group.places {
		p.group = a.group
	}
}

func member(a, b side) bool {
	switch {
	case a.size || b.size:
		return false
	case a.place == nil && b.place == nil:
	case b.place == nil:
		switch of := b.value.(type) {
		case []any:
			a.place.needs.constants = append(a.place.needs.constants, of...)
		case map[string]any:
			for key := range of {
				a.place.needs.constants = append(a.place.needs.constants, key)
			}
		}
	case a.place == nil:
		b.place.needs.members = append(b.place.needs.members, a.value)
		b.place.needs.membersOf++
	case a.place == b.place:
		return false
	case !slices.Contains(b.place.needs.contains, a.place):
		b.place.needs.contains = append(b.place.needs.contains, a.place)
		b.place.needs.membersOf++
	}
	return true
}

func text(relation pdp.Relation, a, b side) bool {
	sought, ok := b.value.(string)
	switch {
	case b.place != nil:
		return false
	case a.place == nil:
		return true
	case a.size || !ok:
		return false
	}
	n := &a.place.needs
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

// choices lists combinations of values, one index a place. It is all of them,
// unless there are more than the bound.
func (s *space) choices(bound int) (list [][]int, all bool) {
	total := 1
	for _, p := range s.places {
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

// choice is a combination by its number; the first place changes fastest.
func (s *space) choice(n int) []int {
	c := make([]int, len(s.places))
	for i, p := range s.places {
		c[i] = n % len(p.values)
		n /= len(p.values)
	}
	return c
}

// some lists combinations in which each value of each place occurs, beside the
// first of the others and along with others.
func (s *space) some(bound int) [][]int {
	var list [][]int
	add := func(c []int) {
		if len(list) < bound {
			list = append(list, c)
		}
	}
	first := make([]int, len(s.places))
	add(first)
	for i, p := range s.places {
		for v := range p.values {
			c := slices.Clone(first)
			c[i] = v
			add(c)
		}
	}
	for i, p := range s.places {
		for j, other := range s.places[:i] {
			for v := range len(p.values) * len(other.values) {
				c := slices.Clone(first)
				c[i], c[j] = v%len(p.values), v/len(p.values)
				add(c)
			}
		}
	}
	return list
}
