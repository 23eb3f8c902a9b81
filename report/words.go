package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// count returns a number with its noun: 1 tool, 2 tools, 2 classes.
func count(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "s"):
		noun += "es"
	default:
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// list joins words: a, b and c.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func typeName(t authz.ItemType) string {
	return [...]string{"tool", "prompt", "resource", "template"}[t]
}

func sectionName(t authz.ItemType) string { return typeName(t) + "s" }

// operation returns the operation on items of a type that a row has in its
// first or second column.
func operation(t authz.ItemType, op int) authz.Operation {
	if op == 0 {
		return authz.List
	}
	return t.Use()
}

// foldedWords says how many rows were folded, and what all of them have in
// common: 82 more tools are the same for everyone: 61 list and call, 21
// denied.
func (v *view) foldedWords(t authz.ItemType, folded []*row) string {
	var kinds []string
	n := map[string]int{}
	for _, r := range folded {
		kind := v.accessWords(r, v.groups[0])
		if n[kind] == 0 {
			kinds = append(kinds, kind)
		}
		n[kind]++
	}
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", n[kind], kind)
	}
	return fmt.Sprintf("%s, the same for everyone: %s (--all shows them)", count(len(folded), "more "+typeName(t)), strings.Join(kinds, ", "))
}

// accessWords says what a group may do with an item: "list and call", "list,
// call on a condition", "denied".
func (v *view) accessWords(r *row, g *group) string {
	var words [5][]string // by matrix.Access
	for op := range r.columns {
		if l := v.cell(g.class, r, op); l != nil {
			words[l.access] = append(words[l.access], operation(r.item.Type, op).String())
		}
	}
	var parts []string
	for _, a := range []matrix.Access{matrix.Allowed, matrix.Conditional, matrix.Unguarded} {
		if len(words[a]) == 0 {
			continue
		}
		parts = append(parts, list(words[a])+[...]string{
			matrix.Allowed: "", matrix.Conditional: " on a condition", matrix.Unguarded: " unguarded",
		}[a])
	}
	switch {
	case len(parts) > 0:
	case len(words[matrix.Denied]) == 0 && len(words[matrix.Refused]) > 0:
		return "refused"
	default:
		return "denied"
	}
	return strings.Join(parts, ", ")
}

// label is what a bundle is called: the name of its first item, and how many
// more there are.
func (b bundle) label() string {
	if len(b) == 1 {
		return b[0].item.Name
	}
	return b[0].item.Name + " +" + strconv.Itoa(len(b)-1)
}
