package pdp

import "github.com/mcpolicy/mcpolicy/authz"

// A Condition is what a rule or a derived role asks for, as compiled. Those
// that ask the same, in one policy, are one.
type Condition struct {
	Uses  []Use
	Parts []Part // with variables, constants and globals replaced
	// Globals says that globals take part, which differ from one deployment to
	// the next.
	Globals bool
	// Expressions are the texts that it is evaluated by: the definitions of the
	// variables that it uses, and its own. An error in one of them, and in no
	// other, is its own.
	Expressions []string
	// Number is its place in the list of all conditions.
	Number int
}

// A Use is one thing that has a condition.
type Use struct {
	Rule string // the ID, as in [authz.RuleRef]
	// DerivedRole, if set, names the derived role of the rule whose condition
	// it is.
	DerivedRole string
	Effect      authz.Effect // of the rule, as compiled
}

// An Outcome says what a condition came to.
type Outcome uint8

// The outcomes of a condition. The engine takes one that errored for unmet,
// or denies when evaluation is strict.
const (
	Unmet Outcome = iota
	Met
	Errored
	Unasked // the condition has no say on what the request is about
)

// A Trial is a condition and a request, of which nothing is unknown, to hold it
// against. Its action does not matter.
type Trial struct {
	*Condition
	Request authz.Request
}

// A Given is a condition and a request to hold it against: the one that the
// condition is the decision on, with what was open put in. Its arguments stand
// in the resource's attributes at Unknown.
type Given struct {
	authz.Condition
	Request authz.Request
}
