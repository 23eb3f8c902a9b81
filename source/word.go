package source

import (
	"fmt"
	"slices"
	"strings"
)

// DecodeWord decodes one of the names, the index of which is the value. Null
// leaves it as it is.
func DecodeWord[T ~uint8](n *Node, what string, names []string, into *T) error {
	if n.Is(Null) {
		return nil
	}
	if n.Is(String) {
		if i := slices.Index(names, n.Text); i >= 0 {
			*into = T(i) //nolint:gosec // a handful of names
			return nil
		}
		hint := DidYouMean(n.Text, names)
		if i := slices.IndexFunc(names, func(s string) bool { return strings.HasPrefix(s, n.Text) }); hint == "" && i >= 0 && n.Text != "" {
			hint = " (did you mean " + names[i] + "?)"
		}
		if hint != "" {
			return Errorf(n.Pos, "unknown %s %q%s", what, n.Text, hint)
		}
	}
	return Errorf(n.Pos, "%s: want %s, have %s", what, OneOf(names), n.Describe())
}

// OneOf lists names of which one is wanted: "a, b or c".
func OneOf(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Describe says what stands there: a scalar in quotes, or which kind of value.
func (n *Node) Describe() string {
	if n.Is(Sequence) || n.Is(Mapping) {
		return n.Kind.String()
	}
	return fmt.Sprintf("%q", n.Text)
}
