package testcoverage

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// Metric is the version of what counts. It changes whenever the same suites over the same
// policies may come to other numbers.
const Metric = 1

// A Kind is a kind of thing to cover. Its text is part of the interface.
type Kind string

// The kinds, in the order of reports.
const (
	Rule        Kind = "rule"
	Outcome     Kind = "outcome"
	MCDC        Kind = "mcdc"
	DerivedRole Kind = "derived-role"
	Cell        Kind = "cell"
)

// Kinds lists the kinds.
func Kinds() []Kind { return []Kind{Rule, Outcome, MCDC, DerivedRole, Cell} }

// A State says whether something is covered.
type State uint8

// The states. What is impossible is not counted.
const (
	Uncovered State = iota
	Covered
	Impossible // no call of a declared principal would cover it
)

// String returns uncovered, covered or impossible.
func (s State) String() string { return [...]string{"uncovered", "covered", "impossible"}[s] }

// The outcomes of a condition, and the sides of a cell, as points have them under What.
const (
	Met             = "met"
	NotMet          = "not met"
	Errored         = "errored"
	Allowed         = "allowed"
	DeniedByRule    = "denied by a rule"
	DeniedByDefault = "denied by default"
	Conditional     = "conditional"
)

// A Point is one thing to cover.
type Point struct {
	Kind Kind
	Pos  source.Pos // of the rule, condition, part or derived role; of a cell that of the item
	Last int        // the last line of what is covered; 0 of a cell

	Policy      *policy.Policy      // nil of a cell
	Rule        *policy.Rule        // nil of a derived role and a cell
	DerivedRole *policy.DerivedRole // nil but of a derived role and its condition
	Column      *matrix.Column      // of a cell

	// What is the outcome, the part as it is written, or the side; "" of others.
	What string

	State State
	// Unknown says of what is uncovered that it is not known whether it can be covered.
	Unknown bool
	// Decisive says of a rule whether a case fails without it, and Redundant that no call
	// of a declared principal would tell its removal apart.
	Decisive, Redundant bool
	// True and False say of a part which half of the pair is covered: a case fails where
	// the part is true and is held false, and the other way.
	True, False bool

	// Number tells points of the same title apart, from 2 on; 0 of the first.
	Number int

	By   []Evidence // cases that cover it, the first few; of a part one of each half
	Want []Case     // cases that would, if any is known
}

// Name returns what the point is about: the rule, the derived role, or the item and the
// operation on it.
func (p *Point) Name() string {
	switch {
	case p.DerivedRole != nil:
		return p.DerivedRole.Name
	case p.Rule != nil:
		return p.Rule.Label()
	}
	return p.Column.Operation.String() + " " + p.Column.Item.Name
}

// Evidence is a case that covers something.
type Evidence struct {
	Pos  source.Pos
	Text string // pia call reroute {"zone":"z1"}: denied
}

// A Case is one that would cover something.
type Case struct {
	Principal *authz.Principal
	Column    *matrix.Column
	Arguments map[string]any // nil for all arguments, or where there are none
	Expect    string         // allow, deny or conditional
	Refused   bool           // the inputSchema refuses the arguments
}

// A Coverage is what suites cover.
type Coverage struct {
	Points []Point // by kind, then in the order of the files
	// ByRule and ByDefault are how many asserted cases were denied by a rule, and because
	// no rule allowed it; Allowed how many were allowed; Conditional how many asserted both.
	// Proved is how many sentences about everybody were.
	Allowed, ByRule, ByDefault, Conditional, Proved int
	// Since is the revision that lines have to be changed since to be counted, "" for all.
	Since string
	// Missed are the thresholds that are not met.
	Missed []Miss
	// Thresholds are those that were asked for.
	Thresholds Thresholds
}

// A Count is how much of a kind is covered.
type Count struct {
	Kind       Kind
	Covered    int
	Total      int // without what is impossible
	Impossible int
	Unknown    int // of those in Total, how many may be impossible
}

// Percent is how much is covered, rounded down to a tenth. It is not ok of nothing.
func (c Count) Percent() (percent float64, ok bool) {
	if c.Total == 0 {
		return 0, false
	}
	return float64(c.Covered*1000/c.Total) / 10, true
}

// Counts returns a count for each kind, in the order of [Kinds].
func (c *Coverage) Counts() []Count {
	var list []Count
	for _, k := range Kinds() {
		list = append(list, c.Count(k))
	}
	return list
}

// Count counts the points of a kind.
func (c *Coverage) Count(k Kind) Count {
	n := Count{Kind: k}
	for i := range c.Points {
		p := &c.Points[i]
		switch {
		case p.Kind != k:
		case p.State == Impossible:
			n.Impossible++
		default:
			n.Total++
			if p.State == Covered {
				n.Covered++
			}
			if p.Unknown {
				n.Unknown++
			}
		}
	}
	return n
}

// Only leaves the points that stand on some lines; cells stand on none.
func (c *Coverage) Only(has func(file string, first, last int) bool) {
	c.Points = slices.DeleteFunc(c.Points, func(p Point) bool {
		return p.Kind == Cell || !has(p.Pos.File, p.Pos.Line, max(p.Last, p.Pos.Line))
	})
}

// number numbers points of the same title.
func (c *Coverage) number() {
	seen := map[string]int{}
	for i := range c.Points {
		p := &c.Points[i]
		title := p.Title()
		if seen[title]++; seen[title] > 1 {
			p.Number = seen[title]
		}
	}
}
