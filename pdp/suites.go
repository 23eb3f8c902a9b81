package pdp

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// VerifyOptions are those of `cerbos compile`, for test suites of Cerbos's own.
type VerifyOptions struct {
	IgnoreSchemas    bool
	StrictEvaluation bool
	// Leave says which suites are left alone, by their files below fsys. Nil leaves none.
	Leave func(file string) bool
	// Prefix stands in front of the file names.
	Prefix string
}

// A Suite is what came of one test suite of Cerbos's.
type Suite struct {
	Name       string
	Pos        source.Pos // of the file
	Err        error      // why it could not be run; it has no checks then
	Skipped    bool       // as a whole; it has no checks then
	SkipReason string
	Checks     []*Check // in the order in which Cerbos makes them
}

// A Check is one expectation of a suite of Cerbos's: of one action by one principal on
// one resource. It is what Request says, decided by an engine with Options.
type Check struct {
	Test                string
	Principal, Resource string // their keys in the suite
	Request             authz.Request
	Options             Options

	Want, Got authz.Effect // Got only of a check that passed or failed
	// Implied says that nothing is listed for the action and the pair, which is then
	// expected to be denied.
	Implied bool
	Outcome CheckOutcome
	Message string   // why it errored or was skipped
	Outputs []string // what is wrong with the outputs, each in words
	Pos     source.Pos
}

// A CheckOutcome is how a check ended.
type CheckOutcome uint8

// The outcomes of checks. One that could not be decided is CheckErrored.
const (
	CheckPassed CheckOutcome = iota
	CheckFailed
	CheckErrored
	CheckSkipped
)
