package probe

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Kind is the stable ID of a kind of drift.
type Kind string

// The kinds.
const (
	ShownButDenied   Kind = "shown-but-denied"
	HiddenButAllowed Kind = "hidden-but-allowed"
	UnknownItem      Kind = "unknown-item"
	ItemGone         Kind = "item-gone"
	CallAdmitted     Kind = "call-admitted"
	CallRefused      Kind = "call-refused"
	RanBadArguments  Kind = "ran-in-spite-of-bad-arguments"
	ReadAdmitted     Kind = "read-admitted"
	ReadRefused      Kind = "read-refused"
	Unauthenticated  Kind = "unauthenticated-sees"
	WrongToken       Kind = "wrong-token-sees"
	Inconclusive     Kind = "inconclusive"
	NotProbed        Kind = "not-probed"
)

// A Doc explains a kind.
type Doc struct {
	Kind      Kind
	Grave     bool // somebody gets what they must not, or nobody knows
	Summary   string
	Rationale string
	Fix       string
}

// Kinds documents every kind.
func Kinds() []Doc { return slices.Clone(docs) }

// Explain returns the documentation of a kind.
func (k Kind) Explain() Doc {
	return docs[slices.IndexFunc(docs, func(d Doc) bool { return d.Kind == k })]
}

const (
	deployedFix  = "Find out which policies the server's PDP has loaded, and whether the server has the enforcement point that the config says."
	inventoryFix = "Take the inventory again with mcpolicy discover, and review what the policies say about what is new."
)

var docs = []Doc{
	{ShownButDenied, true, "A running server lists what the matrix denies", "Who may see an item by the policies at hand and who sees it in production are not the same people.", deployedFix},
	{HiddenButAllowed, false, "A running server hides what the matrix allows", "Who may see an item by the policies at hand and who sees it in production are not the same people.", deployedFix},
	{UnknownItem, false, "A running server lists what the inventory does not have", "Nothing was checked about an item that is in no inventory: neither who sees it nor who may use it.", inventoryFix},
	{ItemGone, false, "Nobody is shown an item that the inventory has", "The matrix speaks of an item that the server no longer has, or that it hides from everybody who may see it.", inventoryFix},
	{CallAdmitted, true, "A running server admits a call that the matrix denies", "Somebody may do in production what the policies at hand deny.", deployedFix},
	{CallRefused, false, "A running server refuses a call that the matrix allows", "Somebody cannot do in production what the policies at hand allow.", deployedFix},
	{RanBadArguments, true, "A tool ran although its inputSchema forbids the arguments", "The server does not hold arguments against the inputSchema that it shows, so the tool gets whatever a client sends.", "Have the server validate arguments before it calls the tool. Until then, look at what the call that is shown has done."},
	{ReadAdmitted, true, "A running server hands out a prompt or a resource that the matrix denies", "Somebody can read in production what the policies at hand deny.", deployedFix},
	{ReadRefused, false, "A running server refuses a prompt or a resource that the matrix takes for unguarded", "Something guards it that the config does not know of, and no policy at hand says for whom.", "Describe under enforcement what guards the server."},
	{Unauthenticated, true, "A client without a token gets something", "Whoever reaches the server is let in before anybody asks who it is.", "Have the server want a token of everyone."},
	{WrongToken, true, "A client with a wrong token gets something", "The server does not check the tokens that it is sent.", "Have the server check tokens, and refuse those that it does not know."},
	{Inconclusive, false, "An answer is neither a refusal nor an admission", "Only an answer that is known for a refusal counts as one: an error of any other kind may come from a call that was let through.", "Say in the config, under enforcement.NAME.refused, how the enforcement point refuses."},
	{NotProbed, true, "A principal could not be probed to the end", "Nobody knows what the server lets it do.", "Correct what the message names, and probe again."},
}

// A Drift is a cell for which a running server does otherwise than the matrix
// says, or for which that could not be found out.
type Drift struct {
	Kind    Kind
	Message string // one line

	Principal string // its key, or "" where it is about no single one
	Server    string
	Type      authz.ItemType // meaningful if Name is set
	Name      string         // of the item
	Operation authz.Operation
	Task      bool           // the call was made as a task
	Arguments map[string]any // of the call that was made, or nil

	Expected, Answered string
	Condition          authz.Condition // of a cell that depends on arguments
	Rules              []matrix.Rule
	Pos                source.Pos // of the rule that decided, else of the item
}

// A Result is what a probe found.
type Result struct {
	Answers  int // held against the matrix
	Admitted int // of what the matrix allows
	Calls    int // of the answers, those to calls
	Drifts   []Drift
	// Skipped says in a sentence each what was not tried and why.
	Skipped []string
}

// Merge puts the results of several servers together.
func Merge(results ...*Result) *Result {
	whole := &Result{}
	for _, r := range results {
		whole.Answers += r.Answers
		whole.Admitted += r.Admitted
		whole.Calls += r.Calls
		whole.Drifts = append(whole.Drifts, r.Drifts...)
		whole.Skipped = append(whole.Skipped, r.Skipped...)
	}
	return whole
}

// sort puts the result in an order that does not depend on who answered first.
func (r *Result) sort() {
	rank := func(k Kind) int { return slices.IndexFunc(docs, func(d Doc) bool { return d.Kind == k }) }
	slices.SortStableFunc(r.Drifts, func(a, b Drift) int {
		switch {
		case a.Kind != b.Kind:
			return rank(a.Kind) - rank(b.Kind)
		case a.Name != b.Name:
			return strings.Compare(a.Name, b.Name)
		case a.Principal != b.Principal:
			return strings.Compare(a.Principal, b.Principal)
		}
		return strings.Compare(a.Message, b.Message)
	})
}
