package witness

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// A kind is the type of a JSON value.
type kind uint8

const (
	isMissing kind = iota
	isNull
	isBool
	isNumber
	isString
	isList
	isMap
)

func kindOf(v any) kind {
	switch v.(type) {
	case missing:
		return isMissing
	case bool:
		return isBool
	case float64:
		return isNumber
	case string:
		return isString
	case []any:
		return isList
	case map[string]any, mapping:
		return isMap
	}
	return isNull
}

// fresh are values of each kind for where no part asks for it, the plainest
// kind first.
var fresh = []any{"other", true, 1.0, nil, []any{}, map[string]any{}}

// subsets is the most members that lists are made of in every combination.
const subsets = 4

// fill gives a slot its values: what the parts need of its group, what the
// request has there, and, of the kinds that no part asks for, one.
func (s *space) fill(p *slot) {
	if p.group.filling { // it would be a member of its own members
		s.exact = false
		return
	}
	p.group.filling = true
	defer func() { p.group.filling = false }()
	n := p.group.needs()
	n.constants = slices.Concat(p.schema.values, n.constants)
	for _, other := range p.group.slots {
		n.constants = append(n.constants, other.schema.values...)
	}
	asked := p.asked(&n)
	p.values, p.has = nil, map[string]bool{}
	if p.parent {
		p.add(mapping{p.schema.mapping()})
		s.exact = s.exact && n.membersOf == 0 && !n.sized && len(p.group.slots) == 1 &&
			!slices.ContainsFunc(n.constants, func(c any) bool { return kindOf(c) == isMap })
		asked[isMap] = true
	}
	p.addPlain(&n)
	if asked[isBool] {
		p.add(true)
		p.add(false)
	}
	if asked[isNull] {
		p.add(nil)
	}
	if asked[isNumber] {
		for _, f := range between(n.constants, p.group) {
			p.add(f)
		}
		s.exact = s.exact && (!n.ordered || len(p.group.slots) < 3)
	}
	if asked[isString] {
		s.strings(p, &n)
	}
	if asked[isList] {
		s.lists(p, &n)
	}
	if asked[isMap] && !p.parent {
		s.maps(p, &n)
	}
	for _, v := range fresh { // a kind that no part asks for
		if !asked[kindOf(v)] {
			p.add(v)
			break
		}
	}
	p.add(missing{})
	s.exact = s.exact && !p.tooMany
	s.keepPossible(p, &n)
}

// asked returns the kinds of values that parts or the schema tell from others.
func (p *slot) asked(n *needs) map[kind]bool {
	slots := p.group.slots
	asked := map[kind]bool{}
	for _, c := range n.constants {
		asked[kindOf(c)] = true
	}
	for _, other := range slots {
		for k := range other.schema.kinds {
			asked[k] = true
		}
		asked[other.sole] = true
	}
	compared := len(slots) > 1
	asked[isBool] = asked[isBool] || n.isTrue
	asked[isString] = asked[isString] || n.texts() || n.sized || compared && !n.ordered
	asked[isNumber] = asked[isNumber] || compared && n.ordered
	asked[isList] = asked[isList] || n.membersOf > 0 || n.sized || n.opaque && len(n.members)+len(n.elements) > 0
	asked[isNull] = asked[isNull] || compared && n.ordered // can be equal, and has no order
	maps.DeleteFunc(asked, func(k kind, is bool) bool { return k == isMissing || !is })
	return asked
}

// addPlain adds what a request is likely to have there: what the schema lists,
// what the request that is asked about has, and the constants. Numbers come
// after what lies beside them.
func (p *slot) addPlain(n *needs) {
	plain := slices.Clone(p.schema.values)
	for _, other := range append([]*slot{p}, p.group.slots...) {
		if k := kindOf(other.base); k > isNull && k < isMap {
			plain = append(plain, other.base)
		}
	}
	for _, c := range append(plain, n.constants...) {
		if kindOf(c) != isNumber || !slices.Contains(n.constants, c) {
			p.add(c)
		}
	}
}

// keepPossible takes away the values that can never stand in a slot.
func (s *space) keepPossible(p *slot, n *needs) {
	if p.sole == isMissing {
		return
	}
	p.values = slices.DeleteFunc(p.values, func(v any) bool {
		return kindOf(v) != p.sole || p.sole == isString && v == any("") && p.root != ofResource
	})
	s.exact = s.exact && (p.sole != isString || !n.ordered) // there is nothing below the least text
}

// variety is the most values that are tried in one slot.
const variety = 512

// add adds a value that is not there yet, unless there are too many.
func (p *slot) add(v any) {
	v = normal(v)
	key := string(rune('a'+kindOf(v))) + textOf(v)
	switch {
	case p.has[key]:
	case len(p.values) >= variety:
		p.tooMany = true
	default:
		p.has[key] = true
		p.values = append(p.values, v)
	}
}

// texts reports whether a text is asked what is in it.
func (n *needs) texts() bool {
	return len(n.prefixes)+len(n.suffixes)+len(n.infixes)+len(n.patterns) > 0
}

// strings gives a slot strings that are equal to the constants, and others.
func (s *space) strings(p *slot, n *needs) {
	slots := len(p.group.slots)
	known := stringsOf(n.constants)
	switch {
	case n.texts():
		s.exact = s.exact && !n.ordered && !n.sized && slots == 1 && len(n.infixes) <= infixesAtMost
		for _, v := range n.combined(known) {
			p.add(v)
		}
		if len(n.patterns) > 0 {
			s.exact = p.matching(n.patterns) && s.exact && n.parts == 1
		}
	case n.ordered:
		s.exact = s.exact && !n.sized && slots == 1
		for _, v := range around(known) {
			p.add(v)
		}
	default:
		for i := range slots {
			p.add(unlike(known, i))
		}
	}
	if n.sized {
		s.exact = s.exact && len(known) == 0 && slots == 1 && n.sizesInReach()
		for _, v := range n.sizesAround() {
			p.add(strings.Repeat("x", v))
		}
	}
}

// lists gives a slot lists with and without what is looked for in them.
func (s *space) lists(p *slot, n *needs) {
	equal := len(p.group.slots) > 1 || slices.ContainsFunc(n.constants, func(c any) bool { return kindOf(c) == isList })
	uses := 0
	for _, used := range []bool{equal, n.sized, n.membersOf > 0} {
		if used {
			uses++
		}
	}
	s.exact = s.exact && uses < 2 && (len(n.contains) == 0 || n.membersOf == 1)
	members := s.members(n)
	p.add([]any{})
	if equal {
		for i := range len(p.group.slots) + 1 {
			p.add([]any{unlike(nil, i)})
		}
	}
	if len(members) > 0 && len(members) <= subsets {
		for set := 1; set < 1<<len(members); set++ {
			var of []any
			for i, m := range members {
				if set>>i&1 == 1 {
					of = append(of, m)
				}
			}
			p.add(of)
		}
	} else {
		s.exact = s.exact && len(n.members) <= subsets
		for _, m := range members {
			p.add([]any{m})
		}
		if len(members) > 0 {
			p.add(members)
		}
	}
	for _, m := range n.elementsLike(p.schema.member) {
		p.add([]any{m})
	}
	if n.sized {
		for _, v := range n.sizesAround() {
			p.add(slices.Repeat([]any{unlikes[0]}, v))
		}
	}
}

// members are what may be looked for in a list.
func (s *space) members(n *needs) []any {
	members := slices.Clone(n.members)
	for _, other := range n.contains {
		s.exact = s.exact && !other.parent
		s.fill(other)
		for _, v := range other.values {
			if k := kindOf(v); k != isMap {
				members = append(members, v)
			}
		}
	}
	return slices.DeleteFunc(members, func(v any) bool { return kindOf(v) == isMissing })
}

// maps gives a slot mappings: an empty one, and such with the keys that are
// looked for, or as many as are counted. The schema may say more of them than
// is heeded here.
func (s *space) maps(p *slot, n *needs) {
	p.add(map[string]any{})
	s.exactWithin = s.exactWithin && (p.root != ofArguments || n.parts == 0)
	all := map[string]any{}
	for _, m := range s.members(n) {
		if key, ok := m.(string); ok {
			all[key] = unlikes[0]
			p.add(map[string]any{key: unlikes[0]})
		}
	}
	if len(all) > 0 {
		p.add(all)
	}
	if n.sized {
		for _, v := range n.sizesAround() {
			m := map[string]any{}
			for i := range v {
				m[unlike(nil, i)] = unlikes[0]
			}
			p.add(m)
		}
	}
}

// largest is the size up to which texts and lists are made.
const largest = 300

// sizesInReach reports whether texts and lists can be as large as parts ask for.
func (n *needs) sizesInReach() bool {
	return !slices.ContainsFunc(n.sizes, func(c any) bool {
		f, ok := c.(float64)
		return ok && f >= largest
	})
}

// sizesAround lists the sizes that parts compare with, and those beside them.
func (n *needs) sizesAround() []int {
	sizes := []int{0}
	for _, c := range n.sizes {
		f, ok := c.(float64)
		if !ok || f < -1 || f > largest {
			continue
		}
		for d := -1; d <= 1; d++ {
			if v := int(math.Floor(f)) + d; v >= 0 && !slices.Contains(sizes, v) {
				sizes = append(sizes, v)
			}
		}
	}
	return sizes
}

// between lists numbers below, between and above the constants, as many in
// each gap as the group has slots, to be compared with each other: whole ones
// where there are such and a slot takes no others, or is alone.
func between(constants []any, g *group) []float64 {
	var known []float64
	for _, c := range constants {
		if f, ok := c.(float64); ok {
			known = append(known, f)
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if len(known) == 0 {
		known = []float64{1}
	}
	integers := slices.ContainsFunc(g.slots, func(p *slot) bool { return p.schema.integer })
	var list []float64
	for i := range g.slots {
		step := float64(i + 1)
		list = append(list, beyond(known[0], -step), beyond(known[len(known)-1], step))
		for j := 1; j < len(known); j++ {
			low, high := known[j-1], known[j]
			v := low + (high-low)*step/float64(len(g.slots)+1)
			whole := math.Round(v)
			isBetween := whole > low && whole < high
			if isBetween && (integers || len(g.slots) == 1) {
				list = append(list, whole)
			}
			if !isBetween || len(g.slots) > 1 {
				list = append(list, v)
			}
		}
	}
	return append(list, known...)
}

// beyond returns a whole number that lies some steps, or of large numbers a
// part of them, above or below another.
func beyond(f, steps float64) float64 {
	if steps < 0 {
		return 0 - beyond(-f, -steps)
	}
	return math.Floor(f) + steps*math.Max(1, math.Exp2(math.Floor(math.Log2(math.Abs(f)+1))-50))
}

func stringsOf(constants []any) []string {
	var list []string
	for _, c := range constants {
		if s, ok := c.(string); ok {
			list = append(list, s)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// around lists strings before, between and after the constants.
func around(known []string) []string {
	list := []string{""}
	for i, s := range known {
		for _, end := range []string{"a", "0", " ", "\x00"} {
			if v := s + end; i+1 == len(known) || v < known[i+1] {
				list = append(list, v)
				break
			}
		}
	}
	return list
}

var unlikes = []string{"other", "another", "third", "fourth"}

// unlike returns the n-th string that is none of the known ones.
func unlike(known []string, n int) string {
	for i := 0; ; i++ {
		s := unlikes[i%len(unlikes)] + strings.Repeat("-"+unlikes[0], i/len(unlikes))
		if slices.Contains(known, s) {
			continue
		}
		if n == 0 {
			return s
		}
		n--
	}
}

// normal returns a value as JSON has it.
func normal(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case []any:
		l := make([]any, len(v))
		for i := range v {
			l[i] = normal(v[i])
		}
		return l
	case map[string]any:
		m := maps.Clone(v)
		for k := range m {
			m[k] = normal(m[k])
		}
		return m
	}
	return v
}

func sizeOf(v any) any {
	switch v := v.(type) {
	case string:
		return float64(len([]rune(v)))
	case []any:
		return float64(len(v))
	case map[string]any:
		return float64(len(v))
	}
	return missing{}
}
