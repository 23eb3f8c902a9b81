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

// subsets is how many members a list may be asked for before not every
// combination of them is tried.
const subsets = 4

// fill gives a place its values.
func (s *space) fill(p *place) {
	n, g := &p.needs, p.group
	constants := slices.Clone(p.schema.values)
	if p.root == ofAttributes || p.root == ofAuxData {
		if k := kindOf(p.base); k > isNull && k < isMap {
			constants = append(constants, p.base)
		}
	}
	ordered := g.ordered
	asked := map[kind]bool{}
	for _, other := range g.places {
		constants = append(constants, other.needs.constants...)
		constants = append(constants, other.schema.values...)
		ordered = ordered || other.needs.ordered
		for k := range other.schema.kinds {
			asked[k] = true
		}
	}
	for _, c := range constants {
		asked[kindOf(c)] = true
	}
	texts := len(n.prefixes)+len(n.suffixes)+len(n.infixes)+len(n.patterns) > 0
	asked[isBool] = asked[isBool] || n.isTrue
	asked[isString] = asked[isString] || texts || n.sized || len(g.places) > 1 && !ordered
	asked[isNumber] = asked[isNumber] || ordered && !asked[isString] && !asked[isBool]
	asked[isList] = asked[isList] || n.membersOf > 0 || n.sized || n.opaque && len(n.members) > 0
	delete(asked, isMissing)

	p.values, p.has = nil, map[string]bool{}
	if p.parent {
		p.add(mapping{p.schema.mapping()})
		asked[isMap] = true
		s.exact = s.exact && n.membersOf == 0 && !n.sized && len(g.places) == 1 && !slices.ContainsFunc(constants, func(c any) bool { return kindOf(c) == isMap })
	}
	for _, c := range constants {
		if kindOf(c) != isNumber { // those come after what lies beside them
			p.add(c)
		}
	}
	if asked[isBool] {
		p.add(true)
		p.add(false)
	}
	if asked[isNull] {
		p.add(nil)
	}
	if asked[isNumber] {
		for _, f := range between(constants, len(g.places), p.schema.integer) {
			p.add(f)
		}
		s.exact = s.exact && (!ordered || len(g.places) < 3)
	}
	if asked[isString] {
		s.strings(p, constants, ordered, texts)
	}
	if asked[isList] {
		s.lists(p, constants)
	}
	if asked[isMap] && !p.parent {
		p.add(map[string]any{})
	}
	for _, v := range fresh { // a kind that no part asks for
		if p.root != ofID && !asked[kindOf(v)] {
			p.add(v)
			break
		}
	}
	if p.root != ofID {
		p.add(missing{})
	}
	s.exact = s.exact && !p.tooMany
	if p.root == ofID {
		p.values = slices.DeleteFunc(p.values, func(v any) bool { return kindOf(v) != isString })
	}
}

// variety is how many values are tried in one place.
const variety = 512

// add adds a value that is not there yet, unless there are too many.
func (p *place) add(v any) {
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

// strings gives a place strings that are equal to the constants, and others.
func (s *space) strings(p *place, constants []any, ordered, texts bool) {
	n, places := &p.needs, len(p.group.places)
	known := stringsOf(constants)
	switch {
	case texts:
		s.exact = s.exact && !ordered && !n.sized && places == 1 && len(n.infixes) <= infixesAtMost
		for _, v := range n.texts(known) {
			p.add(v)
		}
		if len(n.patterns) > 0 {
			s.exact = s.exact && p.matching() && n.parts == 1
		}
	case ordered:
		s.exact = s.exact && !n.sized && places == 1
		for _, v := range around(known) {
			p.add(v)
		}
	default:
		for i := range places {
			p.add(unlike(known, i))
		}
	}
	if n.sized {
		s.exact = s.exact && len(known) == 0 && places == 1 && n.sizesInReach()
		for _, v := range n.sizesAround() {
			p.add(strings.Repeat("x", v))
		}
	}
}

// lists gives a place lists with and without what is looked for in them.
func (s *space) lists(p *place, constants []any) {
	n := &p.needs
	equal := slices.ContainsFunc(constants, func(c any) bool { return kindOf(c) == isList })
	uses := 0
	for _, used := range []bool{equal || len(p.group.places) > 1, n.sized, n.membersOf > 0} {
		if used {
			uses++
		}
	}
	s.exact = s.exact && uses < 2 && (len(n.contains) == 0 || n.membersOf == 1)
	members := slices.Clone(n.members)
	for _, other := range n.contains {
		s.fill(other)
		for _, v := range other.values {
			if k := kindOf(v); k != isMissing && k != isMap {
				members = append(members, v)
			}
		}
	}
	members = slices.DeleteFunc(members, func(v any) bool { return kindOf(v) == isMissing })
	p.add([]any{})
	if equal || len(p.group.places) > 1 {
		p.add([]any{"other"})
		p.add([]any{"another"})
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
		s.exact = s.exact && (len(n.members) <= subsets)
		for _, m := range members {
			p.add([]any{m})
		}
		if len(members) > 0 {
			p.add(members)
		}
	}
	if n.sized {
		for _, v := range n.sizesAround() {
			p.add(make([]any, v))
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
// each gap as there are places, to be compared with each other.
func between(constants []any, places int, integer bool) []float64 {
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
	var list []float64
	for i := range places {
		step := float64(i + 1)
		list = append(list, math.Ceil(known[0])-step, math.Floor(known[len(known)-1])+step)
		for j := 1; j < len(known); j++ {
			low, high := known[j-1], known[j]
			v := low + (high-low)*step/float64(places+1)
			if whole := math.Round(v); whole > low && whole < high && (integer || places == 1) {
				v = whole
			}
			list = append(list, v)
		}
	}
	return append(list, known...)
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
