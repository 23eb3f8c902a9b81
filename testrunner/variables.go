package testrunner

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
	// reference is a variable in a text, or with one more "$" what is a text.
	reference = regexp.MustCompile(`\$?\$\{[A-Za-z_][A-Za-z0-9_-]*\}`)
	// bare is a variable without quotes where braces belong to YAML.
	bare = regexp.MustCompile(`[\[{,][^"'\n]*(\$\{[A-Za-z_][A-Za-z0-9_-]*\})`)
)

// unquoted adds to a mistake in YAML what may be the cause of it.
func unquoted(err error, data []byte) error {
	var at *source.Error
	found := bare.FindSubmatch(data)
	if found == nil || !errors.As(err, &at) {
		return err
	}
	return source.Errorf(at.Pos, "%w; within [ ] and { } a variable has quotes: \"%s\"", at.Err, found[1])
}

// variables are the values of a suite that cases name: ${limit}.
type variables struct {
	declared bool
	values   map[string]*source.Node
	places   []source.Field
	used     map[string]bool
	errs     []error
}

// readVariables reads what a suite declares.
func readVariables(n *source.Node) *variables {
	v := &variables{declared: n != nil, values: map[string]*source.Node{}, used: map[string]bool{}}
	switch {
	case n == nil, n.Is(source.Null): // reported
		return v
	case !n.Is(source.Mapping):
		v.errs = append(v.errs, wantAs(n, "variables", "a mapping of names to values"))
		return v
	}
	v.errs = append(v.errs, checkValue(n))
	for _, f := range n.Fields {
		switch {
		case f.Name == "absent":
			v.errs = append(v.errs, source.Errorf(f.Pos, "variables: %s is what leaves an argument of a table out: give it another name", absentArgument))
		case !variableName.MatchString(f.Name):
			v.errs = append(v.errs, source.Errorf(f.Pos, "variables: %q is no name: want letters, digits, _ and -, a letter first", f.Name))
		}
		if text := firstReference(f.Value); text != "" {
			v.errs = append(v.errs, source.Errorf(f.Value.Pos, "variables: %s is made of another one, %s: write out its value", f.Name, text))
		}
		v.values[f.Name], v.places = f.Value, append(v.places, f)
	}
	return v
}

// firstReference returns the first variable in a value, or "".
func firstReference(n *source.Node) string {
	for _, text := range reference.FindAllString(n.Str(), -1) {
		if !strings.HasPrefix(text, "$$") {
			return text
		}
	}
	for _, item := range n.Items {
		if text := firstReference(item); text != "" {
			return text
		}
	}
	for _, f := range n.Fields {
		if text := firstReference(f.Value); text != "" {
			return text
		}
	}
	return ""
}

// unused reports variables that no case names.
func (v *variables) unused() error {
	var errs []error
	for _, f := range v.places {
		if !v.used[f.Name] && variableName.MatchString(f.Name) {
			errs = append(errs, source.Errorf(f.Pos, "variables: %s is not used; it is a whole value of a case: \"${%s}\"", f.Name, f.Name))
		}
	}
	return errors.Join(errs...)
}

// suite returns the tree of a suite with the values of variables in place of their names,
// wherever a case has arguments. The tree that it is given stays as it is.
func (v *variables) suite(n *source.Node) *source.Node {
	return within(n, "tests", func(tests *source.Node) *source.Node {
		return each(tests, func(test *source.Node) *source.Node {
			test = within(test, "call", v.operation)
			return within(test, "prompts", func(n *source.Node) *source.Node { return within(n, "get", v.operation) })
		})
	})
}

func (v *variables) operation(n *source.Node) *source.Node {
	n = within(n, "cases", func(n *source.Node) *source.Node {
		return each(n, func(n *source.Node) *source.Node {
			return within(n, "arguments", v.value)
		})
	})
	return within(n, "table", func(n *source.Node) *source.Node {
		if n.Is(source.Sequence) {
			return each(n, v.table)
		}
		return v.table(n)
	})
}

func (v *variables) table(n *source.Node) *source.Node {
	return within(n, "rows", func(n *source.Node) *source.Node {
		return each(n, func(row *source.Node) *source.Node {
			return each(row, func(cell *source.Node) *source.Node {
				if cell.Str() == absentArgument {
					return &source.Node{Kind: source.Null, Pos: cell.Pos, Raw: absentArgument}
				}
				return v.value(cell)
			})
		})
	})
}

// isAbsent reports whether a cell of a table leaves its argument out.
func isAbsent(cell *source.Node) bool { return cell.Is(source.Null) && cell.Raw == absentArgument }

// value returns a value with what variables stand for.
func (v *variables) value(n *source.Node) *source.Node {
	switch n.Kind {
	case source.String:
		if strings.Contains(n.Text, "${") {
			return v.text(n)
		}
	case source.Sequence:
		return each(n, v.value)
	case source.Mapping:
		return fields(n, v.value)
	case source.Null, source.Bool, source.Number:
	}
	return n
}

// text returns what a text stands for. Only what is a variable as a whole is one where a
// suite declares none: other texts are as old as suites.
func (v *variables) text(n *source.Node) *source.Node {
	found := reference.FindAllString(n.Text, -1)
	whole := len(found) == 1 && found[0] == n.Text
	if len(found) == 0 || !whole && !v.declared {
		return n
	}
	if whole && !strings.HasPrefix(n.Text, "$$") {
		name := n.Text[2 : len(n.Text)-1]
		value, ok := v.values[name]
		if !ok {
			v.errs = append(v.errs, source.Errorf(n.Pos, "%s", v.unknown(name)))
			return n
		}
		v.used[name] = true
		replaced := *value
		replaced.Pos = n.Pos
		return v.unescaped(&replaced)
	}
	for _, text := range found {
		if !strings.HasPrefix(text, "$$") {
			v.errs = append(v.errs, source.Errorf(n.Pos, "a variable is a whole value, and %s stands within a text; as a text it is written $%s", text, text))
			return n
		}
	}
	return v.unescaped(n)
}

func (v *variables) unknown(name string) string {
	text := `no variable "` + name + `"`
	switch {
	case name == "absent":
		return absentArgument + " stands in a cell of a table by itself; elsewhere leave the key out"
	case len(v.values) == 0:
		text += ": the suite has no variables"
	default:
		text += source.DidYouMean(name, slices.Sorted(maps.Keys(v.values)))
	}
	return text + "; as a text it is written $${" + name + "}"
}

// unescaped takes one "$" from what is written with two in order to be a text.
func (v *variables) unescaped(n *source.Node) *source.Node {
	switch n.Kind {
	case source.String:
		if text := reference.ReplaceAllStringFunc(n.Text, func(s string) string { return strings.TrimPrefix(s, "$") }); text != n.Text && firstReference(n) == "" {
			replaced := *n
			replaced.Text = text
			return &replaced
		}
	case source.Sequence:
		return each(n, v.unescaped)
	case source.Mapping:
		return fields(n, v.unescaped)
	case source.Null, source.Bool, source.Number:
	}
	return n
}

// within returns a mapping with another value of a key. Anything else stays as it is.
func within(n *source.Node, key string, change func(*source.Node) *source.Node) *source.Node {
	i := slices.IndexFunc(n.Fields, func(f source.Field) bool { return f.Name == key })
	if i < 0 {
		return n
	}
	value := change(n.Fields[i].Value)
	if value == n.Fields[i].Value {
		return n
	}
	changed := *n
	changed.Fields = slices.Clone(n.Fields)
	changed.Fields[i].Value = value
	return &changed
}

// fields returns a mapping with other values.
func fields(n *source.Node, change func(*source.Node) *source.Node) *source.Node {
	var changed *source.Node
	for i, f := range n.Fields {
		value := change(f.Value)
		if value == f.Value {
			continue
		}
		if changed == nil {
			copied := *n
			copied.Fields = slices.Clone(n.Fields)
			changed = &copied
		}
		changed.Fields[i].Value = value
	}
	if changed == nil {
		return n
	}
	return changed
}

// each returns a list with other elements. Anything else stays as it is.
func each(n *source.Node, change func(*source.Node) *source.Node) *source.Node {
	var changed *source.Node
	for i, old := range n.Items {
		item := change(old)
		if item == old {
			continue
		}
		if changed == nil {
			copied := *n
			copied.Items = slices.Clone(n.Items)
			changed = &copied
		}
		changed.Items[i] = item
	}
	if changed == nil {
		return n
	}
	return changed
}
