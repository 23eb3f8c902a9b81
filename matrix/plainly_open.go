package matrix

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// plainlyOpen reports whether conditions are certainly met by some arguments and missed
// by others, so that the solver need not be asked: they compare each of some arguments
// once with constants, and the schema leaves room on both sides. It decides nothing:
// where it errs, a cell stays conditional.
func plainlyOpen(schema *source.Node, list []openRequest) bool {
	if schema != nil && !hasOnly(schema, "type", "properties", "required", "additionalProperties", "description", "title", "$schema") {
		return false
	}
	var names []string
	for _, r := range list {
		tests, all := pdp.ArgumentTests(r.condition)
		if !all || len(tests) == 0 {
			return false
		}
		for _, t := range tests {
			if len(t.Path) != 1 || slices.Contains(names, t.Path[0]) {
				return false
			}
			names = append(names, t.Path[0])
			of := schema.Get("properties").Get(t.Path[0])
			if of == nil && schema != nil || !textsLeft(of, t) && !numbersLeft(of, t) {
				return false
			}
		}
	}
	return true
}

func hasOnly(schema *source.Node, names ...string) bool {
	return !slices.ContainsFunc(schema.Fields, func(f source.Field) bool { return !slices.Contains(names, f.Name) })
}

// textsLeft reports whether a schema, or none, lets an argument be one of the texts that it
// is compared with, and one that is none of them.
func textsLeft(schema *source.Node, t pdp.ArgumentTest) bool {
	if t.Op != "==" && t.Op != "in" || len(t.Values) == 0 {
		return false
	}
	for _, v := range t.Values {
		if _, ok := v.(string); !ok {
			return false
		}
	}
	if schema == nil {
		return true
	}
	if schema.Get("type").Str() != "string" || !hasOnly(schema, "type", "description", "title", "default", "examples", "enum") {
		return false
	}
	enum := schema.Get("enum")
	if enum == nil {
		return true
	}
	among := 0
	for _, n := range enum.Items {
		if slices.Contains(t.Values, any(n.Str())) {
			among++
		}
	}
	return among > 0 && among < len(enum.Items)
}

// numbersLeft reports whether a schema, or none, lets an argument be a number below and one
// above the one that it is compared with.
func numbersLeft(schema *source.Node, t pdp.ArgumentTest) bool {
	if t.Op != "<" {
		return false
	}
	limit, ok := t.Values[0].(float64)
	if !ok || schema == nil {
		return ok
	}
	if !slices.Contains([]string{"number", "integer"}, schema.Get("type").Str()) {
		return false
	}
	for _, f := range schema.Fields {
		bound, isNumber := f.Value.Value().(float64)
		switch f.Name {
		case "type", "description", "title", "default", "examples":
		case "minimum", "exclusiveMinimum":
			if !isNumber || bound >= limit-1 {
				return false
			}
		case "maximum", "exclusiveMaximum":
			if !isNumber || bound <= limit+1 {
				return false
			}
		default:
			return false
		}
	}
	return true
}
