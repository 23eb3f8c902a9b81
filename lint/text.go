package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// listing joins words: "a, b and c", or "a, b, c and 4 more" beyond a limit.
// If only one would be left to count, it is named too: "and 1 more" says less.
func listing(words []string, limit int) string { return listingOf(words, len(words), limit) }

// listingOf is listing where only the first of n words are at hand, one more
// than the limit if there are so many.
func listingOf(words []string, n, limit int) string {
	if n > limit+1 {
		words = append(slices.Clone(words[:limit]), strconv.Itoa(n-limit)+" more")
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// plural returns the word for n things.
func plural(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

// noun names an item type in a sentence.
func noun(t authz.ItemType) string {
	return [...]string{"tool", "prompt", "resource", "resource template"}[t]
}

// verb says what a client does with an item by an operation.
func verb(op authz.Operation) string { return [...]string{"see", "call", "get", "read"}[op] }

// called names a rule as its author did.
func called(r *policy.Rule) string { return fmt.Sprintf("rule %q", r.Label()) }

// cite names a rule, where it stands and whom it is for.
func cite(r *policy.Rule) string {
	text := r.Pos.String() + "  " + called(r)
	switch r.Policy.Kind {
	case policy.PrincipalPolicy:
		return text + ", for the principal " + r.Policy.Name
	case policy.RolePolicy:
		return text + ", of the role policy " + r.Policy.Name
	case policy.ResourcePolicy, policy.DerivedRoles, policy.ExportVariables, policy.ExportConstants:
	}
	var whom []string
	for _, of := range []struct {
		noun  string
		roles []policy.Text
	}{{"role", r.Roles}, {"derived role", r.DerivedRoles}} {
		if n := len(of.roles); n > 0 {
			whom = append(whom, "the "+plural(n, of.noun, of.noun+"s")+" "+listing(values(of.roles), people))
		}
	}
	if len(whom) > 0 {
		text += ", for " + strings.Join(whom, " and ")
	}
	return text
}

// citeAll cites the rules that took part in a cell, by their names only where
// the policies are not at hand.
func citeAll(rules []matrix.Rule) []string {
	var lines []string
	for _, r := range rules {
		if r.Syntax != nil {
			lines = append(lines, cite(r.Syntax))
			continue
		}
		lines = append(lines, fmt.Sprintf("rule %q", r.Name))
	}
	return lines
}

func values(texts []policy.Text) []string {
	list := make([]string, len(texts))
	for i, t := range texts {
		list[i] = t.Value
	}
	return list
}
