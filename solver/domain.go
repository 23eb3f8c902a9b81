package solver

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A group is places that are compared with each other, which need values for each other.
type group struct {
	members []*place
	ordered bool // by < too, not only by ==
	equated bool // as they are, not only as the times that they say

	made    bool
	numbers []float64
	texts   []string
	values  []any
	times   []time.Time
	rough   map[string]bool // types of which there may be too few values
}

// unite puts two places into one group.
func (a *analysis) unite(p, q *place, ordered bool) {
	g, h := p.groupOf(), q.groupOf()
	if g != h {
		h.members = append(h.members, g.members...)
		for _, m := range g.members {
			m.group = h
		}
		h.ordered, h.equated = h.ordered || g.ordered, h.equated || g.equated
	}
	h.ordered = h.ordered || ordered
}

func (p *place) groupOf() *group {
	if p.group == nil {
		p.group = &group{members: []*place{p}}
	}
	return p.group
}

// copies is how many values the members can have at once.
func (g *group) copies() int {
	n := 0
	for _, m := range g.members {
		n += m.copies
	}
	return n
}

// make finds values of numbers and texts that are enough for all members: what any of
// them or of their schemas tells apart makes a difference to each.
func (g *group) make(a *analysis) {
	if g.made {
		return
	}
	g.made, g.rough = true, map[string]bool{}
	var all needs
	for _, m := range g.members {
		all.add(m.needs)
		n, rough := schemaNeeds(m.schemas)
		all.add(n)
		for _, t := range rough {
			g.rough[t] = true
		}
	}
	for _, m := range g.members {
		slices.Sort(m.changing)
		for _, text := range slices.Compact(m.changing) {
			points, ok := a.changes(m, text)
			if all.points = append(all.points, points...); !ok {
				g.rough["number"] = true
			}
		}
	}
	k := g.copies()
	g.numbers = numbersOf(all.points, k, all.integers)
	texts, enough := textsOf(all.texts, all.langs, k, a.limits.Texts, g.ordered)
	if all.times {
		g.times = instantsOf(all.instants, k)
		// Texts are read in another way, too: which of them are times is not known.
		enough = len(all.texts)+len(all.langs) == 0 && !g.equated
		texts = append(timeTexts(g.times), all.texts...)
	} else {
		g.times = []time.Time{defaultNow}
	}
	if g.texts = texts; !enough {
		g.rough["string"] = true
	}
	g.values = slices.SortedFunc(slices.Values(all.values), func(x, y any) int { return strings.Compare(keyOf(x), keyOf(y)) })
}

func (n *needs) add(other needs) {
	n.points = append(n.points, other.points...)
	n.integers = n.integers || other.integers
	n.texts = append(n.texts, other.texts...)
	n.langs = append(n.langs, other.langs...)
	n.values = append(n.values, other.values...)
	n.times, n.instants = n.times || other.times, append(n.instants, other.instants...)
}

// fill makes the domain of a place.
func (a *analysis) fill(p *place) {
	if p.filled {
		return
	}
	p.filled, p.rough = true, map[string]any{}
	switch {
	case p.up == nil && p.isObject():
		p.set([]any{mapping{}})
		return
	case p.kind == isClock:
		a.fillClock(p)
		return
	}
	g := p.groupOf()
	g.make(a)
	var values []any
	if p.up != nil && (p.up.up != nil || !p.required()) {
		values = append(values, absent{})
	}
	for _, t := range typeNames {
		if p.kind == isID && t != "string" || !p.allows(t) {
			continue
		}
		some, enough := a.valuesOf(p, g, t)
		kept := slices.DeleteFunc(slices.Clone(some), func(v any) bool { return !p.takes(v) })
		// Of what is not told apart within the type, the schema may take none of these, or too few.
		if dropped := len(kept) < len(some); !enough || g.rough[t] || dropped && (t == "array" || t == "object") && !p.makes(t) {
			p.rough[t] = slices.Concat(kept, some, []any{generic[t]})[0]
		}
		values = append(values, kept...)
		for _, v := range p.hints {
			if typeOf(v) == t && p.takes(v) {
				values = append(values, v)
			}
		}
	}
	if len(values) > a.limits.Values {
		values = values[:a.limits.Values]
		for _, t := range []string{"string", "number", "array"} {
			p.rough[t] = generic[t]
		}
	}
	p.set(values)
}

// makes reports whether a maker makes the values of a type, and knows what schemas drop.
func (p *place) makes(t string) bool {
	return slices.ContainsFunc(p.makers, func(m maker) bool { return m.typeName() == t })
}

// valuesOf returns the values of a type for a place, before its own schemas are asked.
func (a *analysis) valuesOf(p *place, g *group, t string) (values []any, enough bool) {
	for _, m := range p.makers {
		if m.typeName() == t {
			return m.make(a, p)
		}
	}
	switch t {
	case "null":
		return []any{nil}, true
	case "boolean":
		return []any{true, false}, true
	case "number":
		return anys(g.numbers), true
	case "string":
		if p.calendar != "" {
			n, _ := schemaNeeds(p.schemas)
			n.add(p.needs)
			return append(anys(g.texts), anys(timeTexts(p.calendarTimes()))...), len(n.texts)+len(n.langs) == 0 && len(g.members) == 1
		}
		return append(anys(g.texts), a.insides(p)...), true
	case "array":
		return a.listsOf(p, g), true
	}
	if len(p.below) > 0 {
		return []any{mapping{}}, true
	}
	return a.objectsOf(p, g), true
}

func anys[T any](list []T) []any {
	values := make([]any, len(list))
	for i, v := range list {
		values[i] = v
	}
	return values
}

// typeNames are the types of values, in the order in which they are tried.
var typeNames = []string{"string", "number", "boolean", "null", "array", "object"}

// generic has a value of each type.
var generic = map[string]any{"string": "other", "number": 1.0, "boolean": true, "array": []any{}, "object": map[string]any{}}

// typeOf returns the type of a value, "" for absence.
func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any, mapping:
		return "object"
	}
	return ""
}

// listsOf returns the lists that a place is compared with, and others that are equal to
// none: as many as there are places compared with each other.
func (a *analysis) listsOf(p *place, g *group) []any {
	var list []any
	if v, ok := a.sample(p.schemas, "array", p.depth); ok {
		list = append(list, v)
	}
	return others(list, g, func(i int) any {
		if i == 0 {
			return []any{}
		}
		return []any{"item " + strconv.Itoa(i)}
	})
}

// objectsOf does so for objects.
func (a *analysis) objectsOf(p *place, g *group) []any {
	var list []any
	if v, ok := a.sample(p.schemas, "object", p.depth); ok {
		list = append(list, v)
	}
	return others(list, g, func(i int) any {
		if i == 0 {
			return map[string]any{}
		}
		return map[string]any{"key " + strconv.Itoa(i): true}
	})
}

func others(sample []any, g *group, of func(i int) any) []any {
	values := slices.DeleteFunc(slices.Clone(g.values), func(v any) bool { return typeOf(v) != typeOf(of(0)) })
	missing := g.copies()
	add := func(v any) {
		if missing > 0 && !slices.ContainsFunc(values, func(x any) bool { return keyOf(x) == keyOf(v) }) {
			values = append(values, v)
			missing--
		}
	}
	for _, v := range sample {
		add(v)
	}
	for i := 0; missing > 0; i++ {
		add(of(i))
	}
	return values
}

// set takes values for the domain, each once. One of each rough type follows, which
// stands for values that are not known.
func (p *place) set(values []any) {
	seen := map[string]bool{}
	for _, v := range values {
		if key := keyOf(v); !seen[key] {
			seen[key] = true
			p.domain, p.keys = append(p.domain, v), append(p.keys, key)
		}
	}
	p.sure = len(p.domain)
	for _, t := range typeNames {
		if v, ok := p.rough[t]; ok {
			p.domain, p.keys = append(p.domain, v), append(p.keys, keyOf(v))
		}
	}
}

// keyOf writes a value so that no two read alike.
func keyOf(v any) string {
	switch v := v.(type) {
	case absent:
		return "-"
	case mapping:
		return "{}+"
	case string:
		return strconv.Quote(v)
	case fmt.Stringer: // a time
		return v.String()
	case map[string]any:
		key := "{"
		for _, name := range slices.SortedFunc(maps.Keys(v), cmp.Compare[string]) {
			key += strconv.Quote(name) + ":" + keyOf(v[name]) + ","
		}
		return key + "}"
	case []any:
		key := "["
		for _, x := range v {
			key += keyOf(x) + ","
		}
		return key + "]"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
