package drift

import (
	"maps"
	"math"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// The limits of what is tried for one cell.
const (
	maxCalls  = 256
	maxExtras = 8 // arguments that no condition names, one at a time
)

// calls are what a cell is tried with.
type calls struct {
	arguments []map[string]any
	// all is set if every other call gets the same decisions as one of these, as
	// far as the conditions are written down.
	all bool
}

// callsFor returns calls that meet and miss each part of the conditions of both
// sides, each with and without the arguments that the conditions do not name: a
// condition may ask only whether an argument is there, and then does not name it.
func callsFor(g *group) calls {
	var tests []pdp.ArgumentTest
	all := true
	for _, condition := range []authz.Condition{g.checkout.Open(), g.production.Open()} {
		more, whole := pdp.ArgumentTests(condition)
		tests, all = append(tests, more...), all && whole
	}
	base := []map[string]any{{}}
	named := map[string]bool{}
	for _, a := range byArgument(tests) {
		values, whole := a.values()
		all = all && whole
		named[a.path[0]] = true
		var next []map[string]any
		for _, b := range base {
			for _, v := range values {
				next = append(next, with(b, a.path, v))
			}
		}
		if len(next) > maxCalls {
			all = false
			next = next[:maxCalls]
		}
		base = next
	}
	return calls{withExtras(base, properties(g.column.Item.Schema, named)), all}
}

// withExtras adds to each call the arguments that no condition names: all of
// them, and while there is room each alone.
func withExtras(base []map[string]any, extras map[string]any) []map[string]any {
	list := slices.Clone(base)
	if len(extras) == 0 {
		return list
	}
	for _, b := range base {
		whole := maps.Clone(b)
		maps.Copy(whole, extras)
		list = append(list, whole)
	}
	names := slices.Sorted(maps.Keys(extras))
	if len(names) == 1 {
		return list
	}
	for _, name := range names[:min(maxExtras, len(names))] {
		for _, b := range base {
			if len(list) >= maxCalls {
				return list
			}
			one := maps.Clone(b)
			one[name] = extras[name]
			list = append(list, one)
		}
	}
	return list
}

// properties returns the arguments that a tool's schema has, with a value of
// each, apart from the named ones.
func properties(schema *source.Node, named map[string]bool) map[string]any {
	list := map[string]any{}
	of := schema.Get("properties")
	if of == nil {
		return list
	}
	for _, f := range of.Fields {
		if !named[f.Name] {
			list[f.Name] = exampleOf(f.Value)
		}
	}
	return list
}

// exampleOf returns a value that a schema may allow.
func exampleOf(schema *source.Node) any {
	for _, name := range []string{"const", "default"} {
		if n := schema.Get(name); n != nil {
			return n.Value()
		}
	}
	if n := schema.Get("enum"); n.Is(source.Sequence) && len(n.Items) > 0 {
		return n.Items[0].Value()
	}
	switch schema.Get("type").Str() {
	case "number", "integer":
		return 1.0
	case "boolean":
		return true
	case "array":
		return []any{}
	case "object":
		return map[string]any{}
	}
	return "x"
}

// An argument is what all tests ask of one argument.
type argument struct {
	path  []string
	tests []pdp.ArgumentTest
}

func byArgument(tests []pdp.ArgumentTest) []*argument {
	var list []*argument
	for _, t := range tests {
		i := slices.IndexFunc(list, func(a *argument) bool { return slices.Equal(a.path, t.Path) })
		if i < 0 {
			i = len(list)
			list = append(list, &argument{path: t.Path})
		}
		list[i].tests = append(list[i].tests, t)
	}
	return list
}

// absent stands for the value of an argument that a call does not have.
type absent struct{}

// values returns a value of each kind that the tests can tell apart, and whether
// every value is of one of these kinds.
func (a *argument) values() (list []any, all bool) {
	all = len(a.path) == 1 // what is above it may be missing, or of another type
	var numbers []float64
	var texts []string
	bools, nulls, ordered, parts := false, false, false, 0
	for _, t := range a.tests {
		bools = bools || t.Op == "is"
		ordered = ordered || t.Op == "<"
		if t.Op == "startsWith" || t.Op == "endsWith" || t.Op == "contains" {
			parts++
		}
		for _, v := range t.Values {
			switch v := v.(type) {
			case float64:
				numbers = append(numbers, v)
			case string:
				texts = append(texts, v)
			case bool:
				bools = true
			case nil:
				nulls = true
			}
		}
	}
	list = append(list, absent{})
	list = append(list, around(numbers)...)
	list = append(list, beside(texts, parts > 0 || ordered)...)
	if parts > 0 && len(a.tests) > 1 || ordered && len(texts) > 0 {
		all = false
	}
	if bools {
		list = append(list, true, false)
	}
	if nulls {
		list = append(list, nil)
	}
	for _, other := range []struct { // a value of a type that no test is about
		has bool
		v   any
	}{{len(numbers) > 0, 7.0}, {len(texts) > 0, "x"}, {bools, true}} {
		if !other.has {
			return append(list, other.v), all
		}
	}
	return append(list, []any{}), all
}

// around returns numbers, and ones below, between and above them.
func around(numbers []float64) []any {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	var list []any
	for i, n := range numbers {
		if i == 0 {
			list = append(list, below(n))
		}
		list = append(list, n)
		if i+1 < len(numbers) {
			list = append(list, n+(numbers[i+1]-n)/2)
		} else {
			list = append(list, -below(-n))
		}
	}
	return list
}

// below returns a number below n, a whole one if n is.
func below(n float64) float64 {
	if b := n - 1; b < n {
		return b
	}
	return math.Nextafter(n, math.Inf(-1))
}

// beside returns the texts and another one; with inside set, also texts that
// contain, begin or end with them.
func beside(texts []string, inside bool) []any {
	if len(texts) == 0 {
		return nil
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	var list []any
	for _, s := range texts {
		list = append(list, s)
		if inside {
			list = append(list, s+"~", "~"+s)
		}
	}
	if inside {
		list = append(list, "")
	}
	other := "other"
	for slices.Contains(texts, other) {
		other += "~"
	}
	return append(list, other)
}

// with returns a copy of the arguments with another one.
func with(arguments map[string]any, path []string, v any) map[string]any {
	copied := maps.Clone(arguments)
	if _, missing := v.(absent); missing {
		return copied
	}
	if len(path) == 1 {
		copied[path[0]] = v
		return copied
	}
	inner, _ := copied[path[0]].(map[string]any)
	if inner == nil {
		inner = map[string]any{}
	}
	copied[path[0]] = with(inner, path[1:], v)
	return copied
}
