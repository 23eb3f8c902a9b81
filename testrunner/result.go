package testrunner

import (
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Outcome is how a case ended.
type Outcome uint8

// The outcomes. A case whose decision could not be made is Errored, never
// Failed and never Passed.
const (
	Passed Outcome = iota
	Failed
	Errored
	Skipped
)

// Outcomes lists the names of the outcomes, in the order of their values.
func Outcomes() []string { return append([]string(nil), outcomeNames...) }

var outcomeNames = []string{"passed", "failed", "errored", "skipped"}

// String returns passed, failed, errored or skipped.
func (o Outcome) String() string { return outcomeNames[o] }

// A Result is what running the suites came to.
type Result struct {
	Suites []*SuiteResult // in the order of their files

	runner *runner // that decided the cases
}

// A SuiteResult is one suite.
type SuiteResult struct {
	Name  string
	File  string
	Pos   source.Pos
	Cases []*Case // in the order of the file

	Cerbos bool // it is one of Cerbos's own
	// Err says why a suite of Cerbos's could not be run. It has no cases then.
	Err error
	// Skipped says that a suite of Cerbos's is skipped as a whole. It has no cases then.
	Skipped    bool
	SkipReason string
}

// A Case is one expectation about one operation on one item, for the
// principals of one class. One that is Empty is about nobody and no item: what
// it expects is of something that is not there yet. It is Skipped.
type Case struct {
	Test       string // the name of the test that it belongs to
	Empty      bool   // allowEmpty excuses that nothing is selected
	Principals []*authz.Principal
	Server     string
	Item       *manifest.Item // nil if Empty
	Operation  authz.Operation
	Arguments  map[string]any // nil if the case is about all arguments

	Want    string // allowed, denied, conditional, refused; "allowed or conditional" and the like where several will do
	Got     string // what was decided: a matrix.Access, or an error's text if errored
	Outcome Outcome
	Message string       // why it failed, errored or was skipped: one line
	Pos     source.Pos   // of the expectation
	Cell    *matrix.Cell // what was decided, with the rules; nil if skipped or errored
	Values  []Value      // the values of what a deciding condition reads, where there is one
	Time    time.Duration

	// Why is a remark of whoever wrote the case, or "".
	Why string
	// By are the rules that have to decide it, and Because the reason that a denial has to
	// have; nil and NoReason where none is expected. Decided is what was found of that, nil
	// if it was not looked at.
	By      []string
	Because Reason
	Decided *Decided

	// When is the condition that is expected of one that is wanted conditional, or "", and
	// Comparison how what is decided relates to it; nil if that was not looked at.
	When       string
	Comparison *Comparison

	// Sentence is what is said of everybody who could exist, and Proof what is known
	// of it; "" and nil for a case about declared principals. Of a sentence about
	// delegates Principals has the delegate, otherwise nobody.
	Sentence string
	Proof    *prove.Proof

	// Check is what a case of a Cerbos suite asks, and Outputs what is wrong with the
	// outputs; nil for all others.
	Check   *Check
	Outputs []string

	bound *bound // what it stands for; nil if nothing decided it
}

// About returns the principals that the case counts for, each once. For one that
// is Empty, or about everybody who could exist, that is nil, once.
func (c *Case) About() []*authz.Principal {
	if c.Empty || c.Sentence != "" && len(c.Principals) == 0 {
		return []*authz.Principal{nil}
	}
	return c.Principals
}

// Expects reports whether the case expects that some request is allowed, and
// whether that some request is denied.
func (c *Case) Expects() (allowed, denied bool) {
	if c.Want == matrix.Refused.String() {
		return false, false
	}
	denied = c.Want == matrix.Denied.String() || c.Want == matrix.Conditional.String()
	return c.Want != matrix.Denied.String(), denied
}

// A Value is what a part of a condition came to.
type Value struct {
	Expr  string // R.attr.arguments.region
	Value string // as JSON, or why there is none
}

// Counts is how many cases came to each outcome; a case counts once for each
// of its principals, and one about nothing yet once.
type Counts struct{ Passed, Failed, Errored, Skipped int }

// Counts counts the cases of all suites.
func (r *Result) Counts() Counts {
	var n Counts
	for _, s := range r.Suites {
		for _, c := range s.Cases {
			switch k := len(c.About()); c.Outcome {
			case Passed:
				n.Passed += k
			case Failed:
				n.Failed += k
			case Errored:
				n.Errored += k
			case Skipped:
				n.Skipped += k
			}
		}
	}
	return n
}
