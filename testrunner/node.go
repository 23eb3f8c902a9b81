package testrunner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// DecodeNode reads a scalar. Whole numbers and booleans are names too, as in a
// file of principals.
func (m *Name) DecodeNode(n *source.Node) error {
	switch {
	case n.Is(source.Null): // reported where it stands
		return nil
	case n.Is(source.String) && n.Text == "":
		return source.Errorf(n.Pos, "a name is empty")
	case n.Is(source.String), n.Is(source.Bool), n.Is(source.Number) && strings.Trim(n.Text, "-0123456789") == "":
		*m = Name{Text: n.Text, Pos: n.Pos}
		return nil
	}
	return want(n, "a name")
}

// DecodeNode reads a list.
func (m *Names) DecodeNode(n *source.Node) error {
	switch {
	case n.Is(source.Null): // reported where it stands
		return nil
	case !n.Is(source.Sequence):
		return want(n, "a list of names")
	}
	*m = make(Names, len(n.Items))
	var errs []error
	for i, item := range n.Items {
		if item.Is(source.Null) {
			errs = append(errs, want(item, "a name"))
			continue
		}
		if err := (*m)[i].DecodeNode(item); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func want(n *source.Node, what string) error {
	return source.Errorf(n.Pos, "want %s, have %s", what, describe(n))
}

func wantAs(n *source.Node, key, what string) error {
	return source.Errorf(n.Pos, "%s: want %s, have %s", key, what, describe(n))
}

func describe(n *source.Node) string {
	switch n.Kind {
	case source.Bool, source.Number, source.String:
		return fmt.Sprintf("%q", n.Text)
	case source.Null, source.Sequence, source.Mapping:
	}
	return n.Kind.String()
}

// blank reports the keys of a mapping without a value. One left empty by an
// oversight must not stand for nothing expected. Unknown keys are reported
// anyway.
func blank(n *source.Node) error {
	var errs []error
	for _, f := range n.Fields {
		if f.Value.Is(source.Null) && slices.Contains(words, f.Name) {
			errs = append(errs, source.Errorf(f.Pos, "%s: the value is missing", f.Name))
		}
	}
	return errors.Join(errs...)
}

// twice reports the keys that stand twice in a mapping.
func twice(n *source.Node) error {
	var errs []error
	for _, f := range n.Duplicates {
		errs = append(errs, source.Errorf(f.Pos, "key %q stands here twice", f.Name))
	}
	return errors.Join(errs...)
}

// notEmpty reports a list without elements.
func notEmpty(f source.Field) error {
	if f.Value.Is(source.Sequence) && len(f.Value.Items) == 0 {
		return source.Errorf(f.Value.Pos, "%s: the list is empty", f.Name)
	}
	return nil
}

// absent reports whether a mapping lacks all of the keys and has none that looks like
// a misspelt one, which is reported elsewhere.
func absent(n *source.Node, keys ...string) bool {
	return !slices.ContainsFunc(n.Fields, func(f source.Field) bool {
		return slices.Contains(keys, f.Name) || !slices.Contains(words, f.Name) && source.Nearest(f.Name, keys) != ""
	})
}

// words are the keys of a suite file, wherever they stand.
var words = []string{
	"$schema", "name", "server", "options", "now", "globals", "auxData", "jwt", "jwts", "skip", "skipReason", "tests", "principals",
	"keys", "roles", "groups", "kind", "not", "list", "call", "get", "read", "prompts", "resources", "tools", "never", "always",
	"exactly", "allow", "deny", "conditional", "when", "cases", "tool", "prompt", "resource", "arguments", "lookedUp", "expect",
	"names", "tags", "destructive", "readOnly", "allowEmpty",
	"variables", "include", "table", "columns", "rows", "by", "because", "why",
	"prove", "needs", "implies", "within", "apart", "somebody", "delegated", "where", "condition", "then", "of", "ignoreSchema", "allowUnknown",
}

// named reports a suite or test without a name.
func named(n *source.Node, what string) error {
	name := n.Get("name")
	switch {
	case n.Is(source.Mapping) && absent(n, "name"):
		return source.Errorf(n.Pos, "%s without name", what)
	case name.Is(source.String) && strings.TrimSpace(name.Text) == "":
		return source.Errorf(name.Pos, "name: it is empty")
	}
	return nil
}

// skip reads why something is skipped: skip with the reason, or skip: true and
// skipReason as in the suites of Cerbos.
func skip(skip, reason *source.Node) (string, error) {
	blankReason := func(n *source.Node) bool { return n.Is(source.String) && strings.TrimSpace(n.Text) == "" }
	switch {
	case reason != nil && !reason.Is(source.String) && !reason.Is(source.Null):
		return "", wantAs(reason, "skipReason", "a string")
	case blankReason(reason):
		return "", source.Errorf(reason.Pos, "skipReason: it is empty")
	case skip == nil && reason != nil:
		return "", source.Errorf(reason.Pos, "skipReason: skip: true is missing")
	case skip == nil, skip.Is(source.Null), skip.Is(source.Bool) && skip.Text != "true":
		return "", nil
	case skip.Is(source.Bool) && reason == nil:
		return "", source.Errorf(skip.Pos, "skip: say why: skip: \"the reason\"")
	case skip.Is(source.Bool):
		return reason.Str(), nil
	case !skip.Is(source.String):
		return "", wantAs(skip, "skip", "the reason")
	case blankReason(skip):
		return "", source.Errorf(skip.Pos, "skip: the reason is empty")
	case reason != nil:
		return "", source.Errorf(reason.Pos, "skipReason: skip has a reason already")
	}
	return skip.Text, nil
}

func boolean(f source.Field) (*bool, error) {
	var b *bool
	err := source.Decode(f.Value, &b)
	if err != nil {
		err = wantAs(f.Value, f.Name, "true or false")
	}
	return b, err
}

// values reads a mapping of JSON values, as arguments, globals and claims are.
func values(n *source.Node, name string) (map[string]any, error) {
	if n.Is(source.Null) { // reported
		return nil, nil
	}
	if !n.Is(source.Mapping) {
		return nil, wantAs(n, name, "a mapping")
	}
	m, _ := n.Value().(map[string]any)
	return m, checkValue(n)
}

// checkValue reports the mistakes in a JSON value: keys that stand twice, and numbers
// such as NaN.
func checkValue(n *source.Node) error {
	errs := []error{twice(n)}
	if n.Is(source.Number) {
		if _, isNumber := n.Value().(float64); !isNumber {
			errs = append(errs, source.Errorf(n.Pos, "%s is not a number that a policy can work with", n.Text))
		}
	}
	for _, item := range n.Items {
		errs = append(errs, checkValue(item))
	}
	for _, f := range n.Fields {
		errs = append(errs, checkValue(f.Value))
	}
	return errors.Join(errs...)
}
