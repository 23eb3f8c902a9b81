package universe

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver/language"
)

// maxSteps bounds the search for roles that match some patterns and not others.
const maxSteps = 200_000

// examples returns the names among some names and patterns of roles, and a role for each
// combination of patterns that any role matches, sorted, each once.
func (r *Roles) examples(names []string) []string {
	var list, patterns []string
	for _, name := range names {
		switch {
		case !policy.IsGlob(name):
			list = append(list, name)
		case name != "*": // which every role matches
			patterns = append(patterns, name)
		}
	}
	slices.Sort(patterns)
	list = append(list, r.matching(slices.Compact(patterns))...)
	slices.Sort(list)
	return ordered.Distinct(list)
}

// matching returns a role for each combination of patterns that any role matches.
func (r *Roles) matching(patterns []string) []string {
	var languages []*language.Language
	var known []string
	for _, p := range patterns {
		if l := languageOf(p); l != nil {
			languages, known = append(languages, l), append(known, p)
			continue
		}
		r.Open = append(r.Open, "the role pattern "+strconv.Quote(p))
	}
	if len(known) == 0 {
		return nil
	}
	combinations, complete := language.Combinations(languages, 1, maxSteps)
	if !complete {
		r.Open = append(r.Open, "combinations of the role patterns "+strings.Join(known, ", "))
	}
	candidates := make([]string, 0, len(known)+len(combinations)) // those that read well first
	for _, p := range known {
		candidates = append(candidates, strings.NewReplacer("**", "any", "*", "any", "?", "x").Replace(p))
	}
	for _, c := range combinations {
		candidates = append(candidates, c.Texts...)
	}
	var list []string
	seen := map[string]bool{"": true} // of none of the patterns: a role that nothing names will do
	for _, role := range candidates {
		var of []string
		for i, p := range known {
			matches, err := policy.MatchRole(p, role)
			if err != nil || matches != languages[i].Has(role) {
				r.Open = append(r.Open, "the role pattern "+strconv.Quote(p))
			}
			if matches {
				of = append(of, p)
			}
		}
		if key := strings.Join(of, "\x00"); role != "" && !seen[key] {
			seen[key] = true
			if r.Patterns == nil {
				r.Patterns = map[string][]string{}
			}
			r.Patterns[role] = of
			list = append(list, role)
		}
	}
	r.patterns = append(r.patterns, known...)
	slices.Sort(r.Open)
	r.Open = slices.Compact(r.Open)
	return list
}

// languageOf returns the roles that match a pattern, nil where that is not certain.
func languageOf(pattern string) *language.Language {
	if strings.ContainsAny(pattern, `[]{}\`) {
		return nil
	}
	text := regexp.QuoteMeta(pattern)
	text = strings.NewReplacer(`\*\*`, `.*`, `\*`, `[^:]*`, `\?`, `[^:]`).Replace(text)
	l, err := language.Matches("^(?:" + text + ")$")
	if err != nil {
		return nil
	}
	return l
}

// Stands returns which of the roles stands for one: itself where policies name it.
func (r *Roles) Stands(role string) string {
	if slices.Contains(r.Single, role) || slices.Contains(r.Asked, role) {
		return role
	}
	var of []string
	for _, p := range ordered.Distinct(r.patterns) {
		if ok, err := policy.MatchRole(p, role); err == nil && ok {
			of = append(of, p)
		}
	}
	for example, patterns := range r.Patterns {
		if slices.Equal(patterns, of) {
			return example
		}
	}
	return Other
}
