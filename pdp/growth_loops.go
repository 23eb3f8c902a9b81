package pdp

import (
	"maps"

	"github.com/google/cel-go/common/ast"
)

// maxTwice is how many loops in each other are gone through twice; see [sizing.made].
const maxTwice = 8

// loop returns the extent of a macro that binds variables.
func (s *sizing) loop(c ast.CallExpr, names []string, members map[string]Extent) Extent {
	of := s.of(c.Target(), members)
	body := c.Args()[len(names):]
	switch c.FunctionName() {
	case "bind":
		return s.bind(c, names[0], members)
	case "optMap", "optFlatMap":
		return s.last(body, with(members, names, of))
	case "map", "transformList", "transformMap", "transformMapEntry":
		return s.made(of, body, names, members)
	}
	s.last(body, with(members, names, of))
	switch c.FunctionName() {
	case "filter", "sortBy":
		return of
	}
	return shortText // all, exists and their kin
}

// bind is cel.bind(name, value, body).
func (s *sizing) bind(c ast.CallExpr, name string, members map[string]Extent) Extent {
	if len(c.Args()) != 3 {
		return shortText
	}
	value := s.of(c.Args()[1], members)
	return s.of(c.Args()[2], with(members, []string{name}, value))
}

// made is the list or map of what is made of each member of another. What is made
// of all of them together is most where one has all the texts and the others have
// none: sizes are sums of products, which grow faster than what they are made of.
func (s *sizing) made(of Extent, body []ast.Expr, names []string, members map[string]Extent) Extent {
	one := s.last(body, with(members, names, of))
	others := one
	if s.depth < maxTwice {
		s.depth++
		others = s.last(body, with(members, names, Extent{}))
		s.depth--
	}
	return Extent{
		Text:   one.Text,
		All:    one.All + of.Values*others.All,
		Values: one.Values + of.Values*max(1, others.Values),
	}
}

// last goes through expressions and returns the extent of the last.
func (s *sizing) last(of []ast.Expr, members map[string]Extent) Extent {
	x := shortText
	for _, e := range of {
		x = s.of(e, members)
	}
	return x
}

func with(members map[string]Extent, names []string, x Extent) map[string]Extent {
	inner := maps.Clone(members)
	if inner == nil {
		inner = map[string]Extent{}
	}
	for _, name := range names {
		if short, ok := shortRoots[name]; ok {
			name = short // as paths have it
		}
		inner[name] = x
	}
	return inner
}
