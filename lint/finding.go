package lint

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Severity says how much a finding matters.
type Severity uint8

// The severities, the least first. Off turns a rule off.
const (
	Off Severity = iota
	Note
	Warning
	Error
)

// Severities are the names of the severities, in the order of their values.
var Severities = []string{"off", "note", "warning", "error"}

// String returns off, note, warning or error.
func (s Severity) String() string { return Severities[s] }

// A Confidence says how sure it is that a finding is what it says.
type Confidence uint8

// The confidences, the surest first. High is the zero value: what the engine
// has decided needs no guess.
const (
	High   Confidence = iota // decided by the engine, or written in so many words
	Medium                   // inferred: from a name, or from who is declared
	Low                      // by a default that few authors think of
)

// Confidences are the names of the confidences, in the order of their values.
var Confidences = []string{"high", "medium", "low"}

// String returns high, medium or low.
func (c Confidence) String() string { return Confidences[c] }

// A Finding is one violation of a rule.
type Finding struct {
	Rule       string // the rule's ID
	Family     string // over-exposed, unguarded, unreachable, policy, inventory or housekeeping
	Severity   Severity
	Confidence Confidence
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
