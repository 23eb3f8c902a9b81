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

// causeOf returns the words that tell causes of a rule apart.
func causeOf(words ...string) string { return strings.Join(words, " | ") }

// keyOf returns what a rule is known by: its policy and its name, or else what it says of
// whom. Its place, its number and its actions may change.
func keyOf(r *policy.Rule) string {
	key := causeOf(keyOfPolicy(r.Policy), r.Resource)
	if r.Name != "" {
		return causeOf(key, r.Name)
	}
	roles, derived := values(r.Roles), values(r.DerivedRoles)
	slices.Sort(roles)
	slices.Sort(derived)
	return causeOf(key, r.Effect.String(), strings.Join(roles, ","), strings.Join(derived, ","), r.Condition.String())
}

// keyOfPolicy returns what a policy is known by.
func keyOfPolicy(p *policy.Policy) string {
	return causeOf(p.Kind.String(), p.Name, p.Version, p.Scope)
}

// widest returns the rules with the one first that a finding is about: one for everybody, or
// with a pattern, before one for few, an ALLOW before a DENY, and not by where they stand.
func (p *Pass) widest(rules []matrix.Rule) []matrix.Rule {
	rank := func(r matrix.Rule) (int, string) {
		if r.Syntax == nil {
			return 4, r.Name
		}
		wild, _ := forEverybody(p, r.Syntax)
		switch {
		case r.Effect == authz.Deny: // it limits what others allow
			return 3, keyOf(r.Syntax)
		case wild:
			return 0, keyOf(r.Syntax)
		case slices.ContainsFunc(r.Syntax.Actions, func(t policy.Text) bool { return r.Syntax.IsGlob(t.Value) }):
			return 1, keyOf(r.Syntax)
		}
		return 2, keyOf(r.Syntax)
	}
	i := 0
	for j := range rules {
		a, x := rank(rules[j])
		b, y := rank(rules[i])
		if a < b || a == b && x < y {
			i = j
		}
	}
	if i == 0 {
		return rules
	}
	return slices.Concat(rules[i:i+1], rules[:i], rules[i+1:])
}

// keyOfMain is [keyOf] of the first of the rules, or its name where the policies are not at
// hand.
func keyOfMain(rules []matrix.Rule) string {
	switch {
	case len(rules) == 0:
		return ""
	case rules[0].Syntax == nil:
		return rules[0].Name
	}
	return keyOf(rules[0].Syntax)
}

// listed names the items, or says how many there are.
func (e *effects) listed() string {
	if len(e.items) > ItemsNamed {
		return strconv.Itoa(len(e.items)) + " " + e.noun()
	}
	return listing(e.names(), ItemsNamed)
}

func (e *effects) names() []string {
	var words []string
	for _, i := range e.items {
		if !slices.Contains(words, i.Name) {
			words = append(words, i.Name)
		}
	}
	return words
}

// noun names what the items are: tools, or items where they are of several types.
func (e *effects) noun() string {
	word := "item"
	if len(e.items) > 0 && !slices.ContainsFunc(e.items, func(i Item) bool { return i.Type != e.items[0].Type }) {
		word = noun(e.items[0].Type)
	}
	return plural(len(e.items), word, word+"s")
}

// either names the items, of which each of the principals may use some, or says how many
// of what there are.
func (e *effects) either(what string) string {
	switch {
	case len(e.items) > ItemsNamed && e.mixed:
		return fmt.Sprintf("some of %d %s", len(e.items), what)
	case len(e.items) > ItemsNamed:
		return fmt.Sprintf("%d %s", len(e.items), what)
	case e.mixed && len(e.names()) > 1:
		words := e.names()
		return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	}
	return e.listed()
}

// them stands for the items, of which a principal may be affected by some only.
func (e *effects) them() string {
	if e.mixed {
		return "some of them"
	}
	return plural(len(e.items), "it", "them")
}
