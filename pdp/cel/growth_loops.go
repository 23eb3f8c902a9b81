package cel

import (
	"maps"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// maxDepth is how many loops in each other are looked at closely; see [sizing.made].
const maxDepth = 5

// loop returns the extent of a macro that binds variables.
func (s *sizing) loop(c ast.CallExpr, names []string, members map[string]pdp.Extent) pdp.Extent {
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
func (s *sizing) bind(c ast.CallExpr, name string, members map[string]pdp.Extent) pdp.Extent {
	if len(c.Args()) != 3 {
		return shortText
	}
	value := s.of(c.Args()[1], members)
	return s.of(c.Args()[2], with(members, []string{name}, value))
}

// made is the list or map of what is made of each member of another. All that is
// made of them is no more than each the most, and no more than if one had all their
// texts and the others had none: sizes are sums of products, which grow faster than
// what they are made of.
func (s *sizing) made(of pdp.Extent, body []ast.Expr, names []string, members map[string]pdp.Extent) pdp.Extent {
	each := s.last(body, with(members, names, of))
	all := of.Values * each.All
	if s.depth < maxDepth {
		s.depth++
		bytes, elements := s.bytes, s.elements
		one := s.last(body, with(members, names, pdp.Extent{Text: of.All, All: of.All, Values: of.Values}))
		others := s.last(body, with(members, names, pdp.Extent{}))
		s.bytes, s.elements = bytes, elements // there is no such member
		s.depth--
		all = min(all, one.All+of.Values*others.All)
	}
	return pdp.Extent{Text: each.Text, All: all, Values: of.Values * (1 + each.Values)}
}

// last goes through expressions and returns the extent of the last.
func (s *sizing) last(of []ast.Expr, members map[string]pdp.Extent) pdp.Extent {
	x := shortText
	for _, e := range of {
		x = s.of(e, members)
	}
	return x
}

func with(members map[string]pdp.Extent, names []string, x pdp.Extent) map[string]pdp.Extent {
	inner := maps.Clone(members)
	if inner == nil {
		inner = map[string]pdp.Extent{}
	}
	for _, name := range names {
		inner[expr.Short(name)] = x // as paths have it
	}
	return inner
}
