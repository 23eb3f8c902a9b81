package policy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mcpolicy/mcpolicy/source"
)

// A reader takes values out of nodes and gathers the mistakes on the way. What
// is missing reads as nothing: what a policy must have, the engine says.
type reader struct {
	errs  []error
	meant map[*source.Node][]string // what the unknown keys of a mapping are slips of
}

func (r *reader) errorf(pos source.Pos, format string, args ...any) {
	r.errs = append(r.errs, source.Errorf(pos, format, args...))
}

func (r *reader) wrongKind(n *source.Node, name, want string) {
	r.errorf(n.Pos, "%s must be %s, not %s", name, want, n.Kind)
}

// get returns a field under its JSON name or its protobuf name: Cerbos takes
// importDerivedRoles and import_derived_roles.
func get(n *source.Node, name string) *source.Node {
	if v := n.Get(name); v != nil {
		return v
	}
	return n.Get(snakeCase(name))
}

func snakeCase(name string) string {
	var b strings.Builder
	for _, c := range name {
		if unicode.IsUpper(c) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

func (r *reader) mapping(n *source.Node, name string) *source.Node {
	v := get(n, name)
	if v == nil || v.Kind == source.Mapping {
		return v
	}
	r.wrongKind(v, name, "a mapping")
	return nil
}

func (r *reader) list(n *source.Node, name string) []*source.Node {
	v := get(n, name)
	if v == nil {
		return nil
	}
	if v.Kind != source.Sequence {
		r.wrongKind(v, name, "a list")
	}
	return v.Items
}

// mappings returns the items of a list. One that is no mapping is reported
// and left out as nil, so that the rest keep their numbers.
func (r *reader) mappings(n *source.Node, name string) []*source.Node {
	items := slices.Clone(r.list(n, name))
	for i, item := range items {
		if item.Kind != source.Mapping {
			r.wrongKind(item, "each item of "+name, "a mapping")
			items[i] = nil
		}
	}
	return items
}

func (r *reader) text(n *source.Node, name string) Text {
	v := get(n, name)
	if v == nil {
		return Text{}
	}
	return r.scalar(v, name)
}

func (r *reader) texts(n *source.Node, name string) []Text {
	var texts []Text
	for _, item := range r.list(n, name) {
		texts = append(texts, r.scalar(item, "each item of "+name))
	}
	return texts
}

// scalar returns the text of a string and of what Cerbos takes for one: null,
// a boolean, a whole number.
func (r *reader) scalar(n *source.Node, name string) Text {
	t := Text{n.Text, n.Pos}
	if strings.Trim(n.Raw, "-0123456789") == "" {
		t.Value = cmp.Or(n.Raw, n.Text) // 089 is a decimal number to YAML, and text to Cerbos
	}
	switch n.Kind {
	case source.Number:
		if strings.Trim(t.Value, "-0123456789") != "" {
			r.wrongKind(n, name, "a string")
		}
		t.Value = wholeNumber(t.Value)
	case source.Sequence, source.Mapping:
		r.wrongKind(n, name, "a string")
	case source.Null, source.Bool, source.String:
	}
	return t
}

// wholeNumber writes a number as Cerbos does, which reads 010 as octal.
func wholeNumber(s string) string {
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return strconv.FormatInt(i, 10)
	}
	return s
}

func (r *reader) boolean(n *source.Node, name string) bool {
	v := get(n, name)
	if v == nil {
		return false
	}
	if v.Kind != source.Bool {
		r.wrongKind(v, name, "true or false")
	}
	return v.Kind == source.Bool && v.Text == "true"
}

// enum returns one of the values, given by name or by number. Nothing and the
// value of number 0 both read as "".
func (r *reader) enum(n *source.Node, name string, values []string) Text {
	v := get(n, name)
	if v == nil {
		return Text{}
	}
	i := -1
	switch v.Kind {
	case source.Null:
		i = 0
	case source.String:
		i = slices.Index(values, v.Text)
	case source.Number:
		if number, err := strconv.Atoi(wholeNumber(v.Text)); err == nil && number < len(values) {
			i = number
		}
	case source.Bool, source.Sequence, source.Mapping:
		r.wrongKind(v, name, "a string")
		return Text{Pos: v.Pos}
	}
	switch {
	case i < 0:
		r.errorf(v.Pos, "unknown %s %q%s", name, v.Text, meantValue(v.Text, values[1:]))
		return Text{Pos: v.Pos}
	case i == 0:
		return Text{Pos: v.Pos}
	}
	return Text{values[i], v.Pos}
}

// meantValue says which of the values a text is likely to mean: ALLOW is
// EFFECT_ALLOW without its prefix.
func meantValue(text string, values []string) string {
	for _, v := range values {
		if text != "" && strings.HasSuffix(v, "_"+strings.ToUpper(text)) {
			return " (did you mean " + v + "?)"
		}
	}
	if hint := source.DidYouMean(text, values); hint != "" {
		return hint
	}
	return "; want " + strings.Join(values, " or ")
}
