package coaz

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/source"
)

// keysOf are the keys of the parts of an evaluation. A context has any.
var keysOf = map[string][]string{
	"subject": {"type", "id", propertiesName}, "resource": {"type", "id", propertiesName}, "action": {"name", propertiesName},
}

const propertiesName = "properties"

// part reads a subject, action, resource or context. It returns nil if there is none.
func (r *reader) part(body *source.Node, prefix, key string) *Value {
	n := body.Get(key)
	if n == nil {
		return nil
	}
	v := r.value(n, prefix+key)
	switch keys := keysOf[key]; {
	case keys == nil:
		r.free(v, n)
	case n.Is(source.Null):
		r.fail(Malformed, n.Pos, "%s is null: every call is refused", v.Name)
	case v.dollar && key == "subject":
		r.fail(Unclear, n.Pos, "a subject that is an expression as a whole: implementations differ in what they add to it; write its id and type one by one")
		v.unclear = errUnknown
	case v.dollar || v.unclear != nil:
	case !v.object:
		r.fail(Invalid, n.Pos, "%s: want a mapping, have %v: Cerbos takes no such evaluation, so every call is refused", v.Name, n.Kind)
	default:
		r.keys(v, n, keys, key == "subject")
	}
	return v
}

// keys checks the keys of a part. Those of a subject have defaults.
func (r *reader) keys(v *Value, n *source.Node, keys []string, defaulted bool) {
	for _, f := range n.Fields {
		if !slices.Contains(keys, f.Name) {
			hint := source.DidYouMean(f.Name, keys)
			if hint == "" {
				hint = "; an attribute stands under " + propertiesName
			}
			r.fail(Invalid, f.Pos, "%s: unknown key %q%s: Cerbos takes no evaluation with it, so every call is refused", v.Name, f.Name, hint)
		}
	}
	for _, key := range keys {
		switch x := v.Get(key); {
		case key == propertiesName:
			if x != nil {
				r.free(x, n.Get(key))
			}
		case x == nil && !defaulted:
			r.fail(Malformed, n.Pos, "%s.%s is missing: every call is refused", v.Name, key)
		case x != nil:
			r.text(x, n.Get(key))
		}
	}
}

// text checks a value that has to be a text.
func (r *reader) text(v *Value, n *source.Node) {
	v.mustBeText = true
	switch {
	case v.unclear != nil:
	case v.dollar:
		t := v.typing
		switch {
		case t.result == nil, t.result.Kind() == types.StringKind, t.result.Kind() == types.DynKind, t.result.Kind() == types.AnyKind:
		case t.result.Kind() == types.NullTypeKind:
			r.fail(Malformed, v.Pos, "%s comes to null: every call is refused", v.Name)
		case t.result.Kind() == types.DoubleKind || t.result.Kind() == types.IntKind:
			r.fail(Invalid, v.Pos, "%s comes to a number, and Cerbos takes only a text, so every call is refused; a whole number is made one with string(int(...))", v.Name)
		default:
			r.fail(Invalid, v.Pos, "%s comes to %s, and Cerbos takes only a text, so every call is refused", v.Name, t.result)
		}
	case n.Is(source.Null):
		r.fail(Malformed, v.Pos, "%s is null: every call is refused", v.Name)
	case !n.Is(source.String):
		r.fail(Invalid, v.Pos, "%s: want a text, have %v: Cerbos takes no such evaluation, so every call is refused", v.Name, n.Kind)
	case n.Text == "":
		r.fail(Invalid, v.Pos, "%s is empty: Cerbos takes no such evaluation, so every call is refused", v.Name)
	}
}

// free checks properties, and a context, which may have any keys.
func (r *reader) free(v *Value, n *source.Node) {
	switch {
	case n.Is(source.Null), v.dollar, v.unclear != nil:
	case !v.object:
		r.fail(Invalid, v.Pos, "%s: want a mapping, have %v: Cerbos takes no such evaluation, so every call is refused", v.Name, n.Kind)
	case v.Get("") != nil:
		r.fail(Invalid, v.Pos, "%s has a key that is empty: Cerbos takes no such evaluation, so every call is refused", v.Name)
	}
}

// value reads any value of a mapping.
func (r *reader) value(n *source.Node, name string) *Value {
	v := &Value{Name: name, Pos: n.Pos}
	if n.Is(source.Mapping) {
		r.object(v, n)
		return v
	}
	v.Literal = n.Value()
	switch n.Kind {
	case source.String:
		if text, is := strings.CutPrefix(n.Text, "$"); is {
			r.expression(v, text)
		}
	case source.Sequence:
		if hasExpression(n) {
			r.fail(Unclear, n.Pos, "%s: a text with a leading $ in a list: some implementations send it as it is, some what it comes to; write the whole list as one expression", name)
			v.unclear = fmt.Errorf("%s: a text with a leading $ in a list: %w", name, errUnknown)
		}
	case source.Number:
		if _, is := v.Literal.(float64); !is {
			r.fail(Unclear, n.Pos, "%s: %s is not a number that a policy can work with", name, shorten(n.Text))
			v.unclear = fmt.Errorf("%s: %w", name, errUnknown)
		}
	case source.Null, source.Bool, source.Mapping:
	}
	r.mapping.leaves = append(r.mapping.leaves, v)
	return v
}

func (r *reader) object(v *Value, n *source.Node) {
	v.object = true
	r.twice(n)
	if r.depth++; r.depth > maxDepth {
		r.fail(Unclear, n.Pos, "objects are nested more than %d deep", maxDepth)
		v.unclear = fmt.Errorf("objects are nested more than %d deep", maxDepth)
	} else {
		for _, f := range n.Fields {
			v.Fields = append(v.Fields, Field{f.Name, r.value(f.Value, v.Name+"."+f.Name)})
		}
	}
	r.depth--
}

// expression reads what stands behind a $. A second one makes the rest a text.
func (r *reader) expression(v *Value, text string) {
	if strings.HasPrefix(text, "$") {
		v.Literal = text
		return
	}
	v.Literal, v.dollar = nil, true
	var err error
	if r.read += len(text); r.read > maxText {
		err = wrong(Unclear, v.Pos, "more than %d bytes of expressions in a mapping", maxText)
	} else {
		v.expr, err = compile(v.Pos, text)
	}
	v.Text = text
	if err != nil {
		var m *Mistake
		if errors.As(err, &m) && m.Kind == Unclear {
			v.unclear = fmt.Errorf("%s: %s", v.Name, m.Message)
		}
		r.add(err)
		return
	}
	v.Reads = v.expr.reads
	v.typing = r.mapping.arguments.typed(v.expr)
	if v.typing.err != "" {
		hint := ""
		if strings.Contains(v.typing.err, "double") && strings.Contains(v.typing.err, "int") {
			hint = "; numbers of a request are doubles: write 1.0, or int(...)"
		}
		r.fail(Mistyped, v.Pos, "%s: the expression fails for what the inputSchema allows: %s%s", v.Name, plainNames(v.typing.err), hint)
	}
}

func hasExpression(n *source.Node) bool {
	return strings.HasPrefix(n.Str(), "$") || slices.ContainsFunc(n.Items, hasExpression) ||
		slices.ContainsFunc(n.Fields, func(f source.Field) bool { return hasExpression(f.Value) })
}

// Get returns the value of a key of an object, or nil. It may be called on nil.
func (v *Value) Get(name string) *Value {
	if v == nil {
		return nil
	}
	for _, f := range v.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}
