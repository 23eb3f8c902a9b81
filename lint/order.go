package lint

import (
	"cmp"
	"slices"
)

// A Heading says what a finding comes to.
type Heading string

// The headings: what somebody can do that nobody decided; what is shut, or does
// nothing; what is not clear.
const (
	Open    Heading = "open"
	Shut    Heading = "shut"
	Unclear Heading = "unclear"
)

var headings = []Heading{Open, Shut, Unclear}

// Heading says under which heading a finding stands.
func (f *Finding) Heading() Heading {
	switch f.Rule {
	case "tool-without-rule", "no-policy-for-resource", "schema-rejects-requests", "listed-not-callable":
		return Shut
	case "tool-untested":
		return Unclear
	}
	switch f.Family {
	case overExposed, unguarded:
		return Open
	case unreachable:
		return Shut
	}
	return Unclear
}

// FixFirst orders findings by what to do first: the most severe, what is open before what
// is shut, what concerns most, and then by place, rule and message.
func FixFirst(a, b *Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity),
		slices.Index(headings, a.Heading())-slices.Index(headings, b.Heading()),
		b.reach()-a.reach(), a.Pos.Compare(b.Pos),
		cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Reason, b.Reason),
	)
}

// reach counts what a finding is about.
func (f *Finding) reach() int {
	n := 0
	for _, a := range f.Affected {
		n += max(len(a.Items), 1) * max(len(a.Principals), 1)
	}
	return n
}
