package explain

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// mostValues bounds how many values are tried in the place of one that the solver found.
const mostValues = 12

// readable has values take the place of those that the solver found, where the engine
// allows these as well: closer to what stands there now, or named by the conditions.
func (s *search) readable(ctx context.Context, c *Change) (*Change, error) {
	for i := range c.Values {
		v := &c.Values[i]
		was, there := s.now(v)
		tried := 0
		for _, to := range s.nicer(v, was) {
			if asJSON(to) == asJSON(v.To) && !v.Removed || tried >= mostValues {
				break
			}
			if there && asJSON(to) == asJSON(was) {
				continue
			}
			tried++
			with := *c
			with.put(v.Kind, v.Name, to)
			if v.Kind == Argument && !s.fits.Allows(with.Arguments) {
				continue
			}
			ok, err := s.allowed(ctx, with.Principal, with.Arguments)
			if err != nil {
				return nil, err
			}
			if ok {
				with.Values = slices.Clone(c.Values)
				with.Values[i].To, with.Values[i].Removed = to, false
				c = &with
				break
			}
		}
	}
	return c, nil
}

// put gives one place another value.
func (c *Change) put(kind ValueKind, name string, to any) {
	set := func(m map[string]any) map[string]any {
		if m = maps.Clone(m); m == nil {
			m = map[string]any{}
		}
		m[name] = to
		return m
	}
	who := *c.Principal
	switch kind {
	case Argument:
		c.Arguments = set(c.Arguments)
	case Attribute:
		who.Attr = set(who.Attr)
	case Claim:
		who.AuxData = set(who.AuxData)
	}
	c.Principal = &who
}

// remove leaves out what put has put there.
func (c *Change) remove(kind ValueKind, name string) {
	delete([...]map[string]any{c.Arguments, c.Principal.Attr, c.Principal.AuxData}[kind], name)
}

// now returns what stands in a place.
func (s *search) now(v *Value) (any, bool) {
	of := [...]map[string]any{s.Arguments, s.Principal.Attr, s.Principal.AuxData}[v.Kind]
	was, there := of[v.Name]
	return was, there
}

// nicer lists values that read better than one that was found, the best first.
func (s *search) nicer(v *Value, was any) []any {
	if v.Kind == Claim {
		return nil // some have a form of their own
	}
	var list []any
	switch was := was.(type) {
	case bool:
		list = append(list, !was)
	case []any:
		return s.lists(was, v.To)
	case map[string]any:
		return objects(was, v.To)
	}
	kind := kindOf(was)
	if kind == "" {
		kind = kindOf(v.To)
	}
	named := slices.DeleteFunc(append(s.literals(), s.known()...), func(x any) bool { return kindOf(x) != kind })
	if kind == "number" {
		from, isNumber := was.(float64)
		if !isNumber {
			from, _ = v.To.(float64)
		}
		distance := func(x any) float64 { f, _ := x.(float64); return math.Abs(f - from) }
		slices.SortStableFunc(named, func(x, y any) int { return cmp.Compare(distance(x), distance(y)) })
	}
	if at, err := time.Parse(time.RFC3339, fmt.Sprint(v.To)); err == nil {
		day := at.UTC().Truncate(24 * time.Hour)
		list = append(list, day.AddDate(0, 0, 1).Format(time.RFC3339), day.Format(time.RFC3339))
	}
	list = append(list, named...)
	if was, isText := was.(string); isText && was != "other" {
		list = append(list, "other")
	}
	return list
}

// known lists what stands in the places that may change, and what is beside numbers.
func (s *search) known() []any {
	var list []any
	for i := range s.places {
		switch v, _ := s.now(&s.places[i]); v := v.(type) {
		case float64:
			list = append(list, v, v-1, v+1)
		case string:
			list = append(list, v)
		}
	}
	return list
}

func kindOf(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "text"
	}
	return ""
}

// literals lists the numbers and texts in the conditions, and of numbers those beside them.
func (s *search) literals() []any {
	var list []any
	var walk func(e ast.Expr)
	walk = func(e ast.Expr) {
		if e.Kind() == ast.LiteralKind {
			switch v, _ := expr.JSON(e.AsLiteral()); v := v.(type) {
			case float64:
				list = append(list, v, v-1, v+1)
			case string:
				list = append(list, v)
			}
		}
		for _, x := range expr.Children(e) {
			walk(x)
		}
	}
	for _, c := range s.conditions {
		for clause := range c.Clauses() {
			if e, err := expr.Parse(clause.String()); err == nil {
				walk(e)
			}
		}
	}
	return list
}

// lists are the list that stands there with what the one found has besides, or without
// what the conditions name.
func (s *search) lists(was []any, to any) []any {
	with, without := slices.Clone(was), slices.Clone(was)
	found, _ := to.([]any)
	for _, x := range found {
		if !holds(was, x) {
			with = append(with, x)
		}
	}
	named := s.literals()
	without = slices.DeleteFunc(without, func(x any) bool { return holds(named, x) })
	return []any{with, without}
}

func holds(list []any, v any) bool {
	return slices.ContainsFunc(list, func(x any) bool { return asJSON(x) == asJSON(v) })
}

// objects are the object that stands there with what the one found has, with one name or
// with all of them.
func objects(was map[string]any, to any) []any {
	found, ok := to.(map[string]any)
	if !ok {
		return nil
	}
	var list []any
	all := maps.Clone(was)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		one := maps.Clone(was)
		one[name], all[name] = found[name], found[name]
		list = append(list, one)
	}
	return append(list, all)
}
