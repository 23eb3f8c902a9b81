package lint

import (
	"cmp"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// A draft is what a rule reports: a finding before it is known what explains
// it, what waives it and what is said together with it.
type draft struct {
	Finding

	endpoint string          // the MCP method that it is about, if it is
	servers  []string        // the servers that it is about, where Server does not say
	who      []*matrix.Class // the principals that it is about, if it is

	// whom are the principals that it is about, where those are not the whole
	// of their classes.
	whom []*authz.Principal

	// Drafts of a rule with the same group become one finding. What tells
	// them apart is their subject, and say writes the message about several.
	group   string
	subject string
	say     func(subjects []string) string

	waiver     int  // 1 + the index of the waiver, 0 for none
	unwaivable bool // what it is about is no answer, accepted or not
}

// named is how many of several things a message names before it only counts.
const named = 3

// join makes findings of the drafts. Drafts of one group become one, at the
// first of their positions, unless a waiver accepts only some of them.
func join(drafts []draft) []Finding {
	type key struct {
		rule, group string
		waiver      int
	}
	groups := map[key][]draft{}
	var findings []Finding
	for _, d := range drafts {
		if d.group == "" {
			findings = append(findings, d.Finding)
			continue
		}
		k := key{d.Rule, d.group, d.waiver}
		groups[k] = append(groups[k], d)
	}
	for _, group := range groups { // in any order: whoever called sorts
		findings = append(findings, together(group))
	}
	return findings
}

func together(group []draft) Finding {
	slices.SortStableFunc(group, func(a, b draft) int {
		return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.subject, b.subject))
	})
	f := group[0].Finding
	f.Evidence, f.Related, f.Edits = slices.Clone(f.Evidence), slices.Clone(f.Related), slices.Clone(f.Edits)
	said := map[string]bool{}
	var subjects []string
	for i := range group {
		d := &group[i]
		if !said[d.subject] {
			said[d.subject] = true
			subjects = append(subjects, d.subject)
		}
		if i > 0 {
			f.widen(&d.Finding, d.subject)
		}
	}
	f.Message = group[0].say(subjects)
	f.Items = gather(group, func(d *draft) []Item { return d.Items })
	f.Principals = gather(group, func(d *draft) []string { return d.Principals })
	return f
}

// gather joins lists of the drafts, without what stands in them twice.
func gather[T comparable](group []draft, of func(*draft) []T) []T {
	var list []T
	seen := map[T]bool{}
	for i := range group {
		for _, x := range of(&group[i]) {
			if !seen[x] {
				seen[x] = true
				list = append(list, x)
			}
		}
	}
	return list
}

// some is how many lines of evidence and other places a joined finding has.
const some = 6

// addSome appends what is not in the list yet, up to some in all.
func addSome[T comparable](list, more []T) []T {
	for _, x := range more {
		if len(list) < some && !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

// widen makes the finding be about the subject of another one as well.
func (f *Finding) widen(g *Finding, subject string) {
	if g.Name != f.Name || g.Type != f.Type {
		f.Name, f.Type = "", 0
	}
	if g.Server != f.Server {
		f.Server = ""
	}
	if g.Policy != f.Policy {
		f.Policy = ""
	}
	if g.Principal != f.Principal {
		f.Principal = ""
	}
	f.Severity = max(f.Severity, g.Severity)
	f.Confidence = min(f.Confidence, g.Confidence)
	places := g.Related
	if g.Pos != f.Pos {
		places = append([]Related{{g.Pos, subject}}, places...)
	}
	f.Related = addSome(f.Related, places)
	f.Evidence = addSome(f.Evidence, g.Evidence)
	for _, e := range g.Edits {
		if !slices.Contains(f.Edits, e) { // several rules may share a list
			f.Edits = append(f.Edits, e)
		}
	}
}
