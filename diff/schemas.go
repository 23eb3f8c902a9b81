package diff

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// sameSchemas reports whether two schemas say the same word for word.
func sameSchemas(a, b *source.Node) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a == b || reflect.DeepEqual(a.Value(), b.Value())
}

// A violation says in the words of policies when arguments are not as a schema says.
type violation struct {
	path []string // where arguments stand below the resource's attributes
}

// formula returns a condition that is met by arguments that a schema refuses, as far as
// it says something else about the arguments that are read than the schema does that they
// fit. It is never met where there is no such thing, and not ok where that cannot be said.
func (v violation) formula(refuses, fit *source.Node, reads [][]string) (f solver.Formula, never, ok bool) {
	var list []solver.Formula
	seen := map[string]bool{}
	for _, path := range reads {
		if len(path) == 0 || !plainRoot(refuses) {
			return f, false, false
		}
		name := path[0]
		if seen[name] {
			continue
		}
		seen[name] = true
		at := selected("R.attr", v.path...)
		has := present(at, name)
		was, is := refuses.Get("properties").Get(name), fit.Get("properties").Get(name)
		if requires(refuses, name) && !requires(fit, name) {
			list = append(list, solver.None(solver.Expr(has)))
		}
		switch {
		case was == nil && closed(refuses):
			list = append(list, solver.Expr(has))
		case was == nil || sameSchemas(was, is):
		default:
			ok, known := allowed(was, is, selected(at, name))
			if !known {
				return f, false, false
			}
			list = append(list, solver.All(solver.Expr(has), solver.None(ok)))
		}
	}
	return solver.Any(list...), len(list) == 0, true
}

// plainRoot reports whether a schema of arguments says no more than what each of them has
// to be, and which there have to be.
func plainRoot(n *source.Node) bool {
	for _, f := range n.Fields {
		switch f.Name {
		case "type", "properties", "required", "additionalProperties", "$schema", "title", "description", "examples", "default", "$comment":
		default:
			return false
		}
	}
	return true
}

func requires(n *source.Node, name string) bool {
	required := n.Get("required")
	return required != nil && slices.ContainsFunc(required.Items, func(x *source.Node) bool { return x.Str() == name })
}

// closed reports whether a schema refuses arguments that it does not name.
func closed(n *source.Node) bool {
	more := n.Get("additionalProperties")
	return more != nil && more.Value() == false
}

// allowed returns a condition that is met by those values of one argument that a schema
// allows, among those that another allows. It is not known where the schema says more than
// that can say.
func allowed(n, among *source.Node, at string) (f solver.Formula, known bool) {
	var list []solver.Formula
	add := func(text string) { list = append(list, solver.Expr(text)) }
	if n.Value() == true {
		return solver.All(), true
	}
	for _, field := range n.Fields {
		v := field.Value
		if sameSchemas(v, among.Get(field.Name)) {
			continue
		}
		number := slices.Contains([]string{"number", "integer"}, n.Get("type").Str())
		switch field.Name {
		case "title", "description", "examples", "default", "$comment":
		case "type":
			kind, ok := map[string]string{"string": "string", "number": "double", "boolean": "bool", "array": "list", "object": "map"}[v.Str()]
			if !ok {
				return f, false
			}
			add("type(" + at + ") == " + kind)
		case "enum":
			add(at + " in " + literal(v))
		case "const":
			add(at + " == " + literal(v))
		case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
			if !number || !v.Is(source.Number) {
				return f, false
			}
			add(at + map[string]string{"minimum": " >= ", "maximum": " <= ", "exclusiveMinimum": " > ", "exclusiveMaximum": " < "}[field.Name] + "double(" + v.Text + ")")
		case "minLength", "maxLength":
			if n.Get("type").Str() != "string" || !v.Is(source.Number) {
				return f, false
			}
			add("size(" + at + ")" + map[string]string{"minLength": " >= ", "maxLength": " <= "}[field.Name] + v.Text)
		default:
			return f, false
		}
	}
	return solver.All(list...), n.Is(source.Mapping)
}

// literal writes a JSON value of texts, numbers, booleans and null as CEL has them.
func literal(n *source.Node) string {
	switch {
	case n.Is(source.Sequence):
		parts := make([]string, len(n.Items))
		for i, x := range n.Items {
			parts[i] = literal(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case n.Is(source.Number):
		return "double(" + n.Text + ")"
	}
	return string(n.JSON())
}

// selected writes the selection of names below something.
func selected(of string, names ...string) string {
	for _, name := range names {
		of += "[" + strconv.Quote(name) + "]"
	}
	return of
}

// present writes that a mapping has a name.
func present(of, name string) string { return strconv.Quote(name) + " in " + of }
