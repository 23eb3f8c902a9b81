package lint

import (
	"strings"

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
	Related    []Related // other places
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

	// Cause says what has to change, where a finding is about all that it affects: it is
	// the same wherever that stands in its file, and whatever comes to be affected.
	// Empty for a finding that its message is all there is to tell apart by.
	Cause string

	// All that it is about, in the order of the places: Name and Principal say
	// only what is the same for all. Principals are the keys, one of each class
	// where there are very many (over ten thousand).
	Items      []Item
	Principals []string
	// Affected says it pair by pair: an item is in one of them.
	Affected []Affected

	// Explains are findings of other rules that this one is the reason for or says
	// better, and that are left out for it.
	Explains []Explained

	// Known is set if the base of a comparison or the baseline has the finding, too.
	Known bool

	Waived    bool
	Reason    string     // of the waiver
	WaivedAt  source.Pos // where the waiver stands
	Standards []string
}

// Identity tells findings apart from one run to the next: it does not depend on where
// in its file something stands, nor on what a cause comes to affect.
func (f *Finding) Identity() string {
	if f.Cause != "" {
		return strings.Join([]string{f.Rule, f.Cause}, "\x00")
	}
	kind := ""
	if f.Name != "" {
		kind = f.Type.String()
	}
	return strings.Join([]string{f.Rule, f.Pos.File, f.Server, kind, f.Name, f.Principal, f.Message}, "\x00")
}

// An Item is one item that a finding is about.
type Item struct {
	Server string
	Type   authz.ItemType
	Name   string
}

// Affected are items and the principals that a finding is about with each of them.
// Without items it is about the principals by themselves.
type Affected struct {
	Items      []Item
	Principals []string
}

// Explained is a finding that is left out because another explains it.
type Explained struct {
	Rule       string
	Severity   authz.Severity
	Identity   string // see [Finding.Identity]
	Cause      string // see [Finding.Cause]
	Items      []Item
	Principals []string
	Affected   []Affected
}

// Related is another place that a finding is about.
type Related struct {
	Pos  source.Pos
	Text string
	Item bool // an item that the finding is about stands there
}
