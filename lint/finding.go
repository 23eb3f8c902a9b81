package lint

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Finding is one violation of a rule.
type Finding struct {
	Rule       string // the rule's ID
	Family     string // over-exposed, unguarded, unreachable, policy, inventory or housekeeping
	Severity   authz.Severity
	Confidence authz.Confidence
	Message    string   // one line: who can do what, or what is wrong
	Evidence   []string // lines that say why: the cell, the rule, the witness
	Fix        string   // what to do about it, or ""
	Pos        source.Pos
	Related    []Related // other places, a few if there are many
	// Edits of the policies settle the finding without a decision that only a
	// person can take. Most findings have none.
	Edits   []fix.Edit
	Witness *Witness // of a finding that says what can happen, if it takes one

	// What the finding is about, as far as it is about one thing.
	Server    string
	Type      authz.ItemType // meaningful if Name is set
	Name      string         // of the item
	Principal string         // a principal's key
	Policy    string         // the ID of a policy rule

	// All that it is about, in the order of the places: Name and Principal say
	// only what is the same for all. Principals are the keys, one of each class
	// where there are very many.
	Items      []Item
	Principals []string

	// Known is set if the base of a comparison has the finding, too.
	Known bool

	Waived    bool
	Reason    string     // of the waiver
	WaivedAt  source.Pos // where the waiver stands
	Standards []string
}

// An Item is one item that a finding is about.
type Item struct {
	Server string
	Type   authz.ItemType
	Name   string
}

// Related is another place that a finding is about.
type Related struct {
	Pos  source.Pos
	Text string
}
