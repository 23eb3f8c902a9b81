package solver

import (
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// rulesOut reports whether a schema certainly allows no value of a type: by itself, or as
// none of its alternatives does. Those among which it is asked about as an alternative are not
// asked again.
func rulesOut(s *jsonschema.Schema, t string, among []*jsonschema.Schema) bool {
	if of := slices.Concat(s.Enum, s.Constant); len(of) > 0 {
		return !slices.ContainsFunc(of, func(v any) bool { return typeOf(normal(v)) == t })
	}
	if s.Always != nil && !*s.Always || len(s.Types) > 0 && !slices.Contains(s.Types, t) && (t != "number" || !slices.Contains(s.Types, "integer")) {
		return true
	}
	if len(s.AnyOf)+len(s.OneOf) == 0 || len(among) > mostDepth || slices.Contains(among, s) {
		return false
	}
	among = append(slices.Clip(among), s)
	for _, list := range [][]*jsonschema.Schema{s.AnyOf, s.OneOf} {
		if len(list) > 0 && !slices.ContainsFunc(list, func(x *jsonschema.Schema) bool { return !allRuleOut(x, t, among) }) {
			return true
		}
	}
	return false
}

// allRuleOut reports whether a schema, or what holds with it, rules a type out.
func allRuleOut(s *jsonschema.Schema, t string, among []*jsonschema.Schema) bool {
	return slices.ContainsFunc(facts(s, nil), func(x *jsonschema.Schema) bool { return rulesOut(x, t, among) })
}

// narrowed returns the schemas that hold for all values of a type: of alternatives, the one
// that allows the type, if it is the only one.
func narrowed(list []*jsonschema.Schema, t string) []*jsonschema.Schema {
	list = slices.Clip(list)
	for i := 0; i < len(list); i++ { // more are added
		for _, of := range [][]*jsonschema.Schema{list[i].AnyOf, list[i].OneOf} {
			left := slices.DeleteFunc(slices.Clone(of), func(x *jsonschema.Schema) bool { return allRuleOut(x, t, nil) })
			if len(left) == 1 {
				list = facts(left[0], list)
			}
		}
	}
	return list
}

// alternatives lists what schemas leave a choice between, each time.
func alternatives(list []*jsonschema.Schema) [][]*jsonschema.Schema {
	var all [][]*jsonschema.Schema
	for _, s := range list {
		for _, of := range [][]*jsonschema.Schema{s.AnyOf, s.OneOf} {
			if len(of) > 1 {
				all = append(all, of)
			}
		}
	}
	return all
}

// requiredOf returns the names that a schema asks an object for.
func requiredOf(s *jsonschema.Schema) []string {
	var names []string
	for _, x := range facts(s, nil) {
		names = append(names, x.Required...)
	}
	return names
}

// proposed returns the values that the alternatives of schemas list for a property.
func proposed(list []*jsonschema.Schema, name string) []any {
	var values []any
	for _, of := range alternatives(list) {
		for _, x := range of {
			for _, s := range factsBelow(facts(x, nil), name) {
				for _, v := range slices.Concat(s.Enum, s.Constant) {
					values = append(values, normal(v))
				}
			}
		}
	}
	return values
}

// alternatives says that an object has what one of its alternatives asks for, where the names
// that each asks for are read.
func (e *encoding) alternatives(p *place) {
	for _, of := range alternatives(narrowed(p.schemas, "object")) {
		var one []int
		for _, s := range of {
			v := e.fresh()
			one = append(one, v)
			for _, name := range requiredOf(s) {
				for _, x := range p.below {
					if i := slices.IndexFunc(x.domain, isAbsent); x.name == name && i >= 0 {
						e.add(-v, -e.is(x, i))
					}
				}
			}
		}
		for i, v := range p.domain {
			if isMapping(v) {
				e.add(append(slices.Clip(one), -e.is(p, i))...)
			}
		}
	}
}

func isAbsent(v any) bool {
	_, none := v.(absent)
	return none
}
