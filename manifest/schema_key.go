package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// SchemaKey says what a schema says about some arguments, and about those that it
// requires: nothing else keeps requests from being there. One that says more than that is
// like no other.
func SchemaKey(n *source.Node, arguments [][]string) string {
	if n == nil {
		return ""
	}
	var names, parts []string
	for _, path := range arguments {
		if len(path) == 0 {
			return fmt.Sprintf("%p", n)
		}
		names = append(names, path[0])
	}
	for _, r := range items(n.Get("required")) {
		if !slices.Contains(names, r.Str()) && leavesRoom(n.Get("properties").Get(r.Str())) {
			continue // there is always a value for it
		}
		names = append(names, r.Str())
		parts = append(parts, "required "+r.Str())
	}
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%q %v", name, said(n.Get("properties").Get(name))))
	}
	for _, f := range n.Fields {
		switch {
		case f.Name == "type", f.Name == "additionalProperties":
			parts = append(parts, fmt.Sprintf("%s %v", f.Name, said(f.Value)))
		case f.Name == "properties", f.Name == "required", f.Name == "$schema", slices.Contains(remarks, f.Name):
		default:
			return fmt.Sprintf("%p", n)
		}
	}
	slices.Sort(parts)
	key := strings.Join(slices.Compact(parts), "\x00")
	if strings.Contains(key, "$ref") {
		return fmt.Sprintf("%p", n)
	}
	return key
}

// leavesRoom reports whether some value certainly fits a schema: it asks for no more than
// a type and a bound.
func leavesRoom(n *source.Node) bool {
	if n == nil || !n.Is(source.Mapping) {
		return false // another part of the schema may forbid it
	}
	bounds := 0
	for _, f := range n.Fields {
		switch f.Name {
		case "type":
			if !slices.Contains([]string{"string", "number", "integer", "boolean", "array", "object"}, f.Value.Str()) {
				return false
			}
		case "minimum", "maximum", "maxLength", "maxItems":
			bounds++
		case "items": // an empty list fits
		default:
			if !slices.Contains(remarks, f.Name) {
				return false
			}
		}
	}
	return bounds <= 1
}

// remarks are what a schema says to people.
var remarks = []string{"description", "title", "default", "examples", "$comment"}

// said returns what a schema asks for.
func said(n *source.Node) any {
	if !n.Is(source.Mapping) {
		return n.Value()
	}
	m := map[string]any{}
	for _, f := range n.Fields {
		if !slices.Contains(remarks, f.Name) || f.Value.Is(source.Mapping) {
			m[f.Name] = said(f.Value)
		}
	}
	return m
}

func items(n *source.Node) []*source.Node {
	if n == nil {
		return nil
	}
	return n.Items
}
