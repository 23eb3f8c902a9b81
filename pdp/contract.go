package pdp

import (
	"context"
	"errors"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/solver"
)

// What an engine has to offer, and what it may. Of whoever decides only [Decider] is
// asked. The other interfaces are what the embedded engine offers besides, each for somebody who
// asks a Decider whether it is one and says so where it is not: an engine that has
// no conditions of its own, or does not tell what they read, leaves them out.
//
// For all of them: methods may be called from several goroutines; they stop when the
// context ends, with an error; an error says nothing about any request, so that it is
// neither a denial nor a pass; and the same request has the same answer, whatever
// was asked before.

// A Decider answers requests. That is all that a matrix takes.
type Decider interface {
	// Decide answers each request, in order, with one decision. A request that could
	// not be decided fails the whole batch: an error is never a denial.
	//
	// Where a request leaves something open, the arguments of a call or the principal,
	// the decision holds for every value of that: it is Allow or Deny only if all
	// values are shown to come to it, and otherwise Conditional, with the condition as
	// far as it is known. A request that no policy is about is denied, unless it is
	// [authz.Request.OpenUncovered], and the decision says so where the engine knows. Rules are named where it knows them.
	Decide(ctx context.Context, requests []authz.Request) ([]authz.Decision, error)
}

// A Classifier tells principals apart.
type Classifier interface {
	// Class returns a key that is the same for two principals only if every request
	// gets the same decision for both.
	Class(p *authz.Principal) string
}

// A Sharer answers for many principals at once: see [Each].
type Sharer interface {
	// Each answers every request for each of its principals, as Decide does.
	Each(ctx context.Context, requests []SharedRequest) ([][]*authz.Decision, error)
}

// A Validator holds requests against schemas that policies declare.
type Validator interface {
	// Validate says what schemas have against each request, in order, whether or not
	// that has a say in decisions. What is open is taken to be empty.
	Validate(ctx context.Context, requests []authz.Request) ([][]authz.ValidationError, error)
	// Rejects reports whether a request is denied that schemas refuse.
	Rejects() bool
}

// An Examiner evaluates the conditions of rules apart from decisions.
type Examiner interface {
	// Conditions lists the different conditions, in the same order each time.
	Conditions() []*Condition
	// Try says what conditions of that list come to, in order. Unmet and Errored are
	// two things, whatever a decision makes of them.
	Try(ctx context.Context, trials []Trial) ([]Outcome, error)
}

// A Reader says what the conditions of rules read.
type Reader interface {
	// RuleReads is by the ID of the rule. It may say too much; where it cannot tell,
	// it says that something else is read.
	RuleReads() map[string]*RuleReads
	// Idle reports which readings have no say in a decision. It may overlook some.
	Idle(ctx context.Context, readings []Reading) ([]bool, error)
}

// A Clocked engine decides at any time.
type Clocked interface {
	// DecideAt is Decide, with now as the time that conditions read.
	DecideAt(ctx context.Context, now time.Time, requests []authz.Request) ([]authz.Decision, error)
}

// A Divisible engine can do without some of its rules.
type Divisible interface {
	// Without returns an engine of the same policies and options less some rules, by
	// their IDs. A policy that is left without rules is not there. The two have no
	// influence on each other.
	Without(rules []string) (Decider, error)
}

// A Confusable engine may decide a rule by another's condition.
type Confusable interface {
	// Confused lists groups of rules, by their IDs, of which each may be decided by
	// the condition of another: the decisions hang on chance.
	Confused() [][]string
	// ByChance reports whether a request may be decided by one of these rules, whatever
	// attributes there are. It errs on the side of too many; a request without a principal
	// is anybody's.
	ByChance(r *authz.Request) bool
}

// An Explainer says how a decision came about. It takes policies as Cerbos has them,
// with scopes, versions, derived roles and a decision for each role.
type Explainer interface {
	// Reach says which of some rules a request gets to, and on which grounds.
	Reach(ctx context.Context, r authz.Request, rules []string) (map[string][]Ground, error)
	// ByRole decides a request for each of the principal's roles alone.
	ByRole(ctx context.Context, r authz.Request) ([]RoleDecision, error)
	// Truths says what propositions come to for every value of what is open. Varies
	// claims nothing.
	Truths(ctx context.Context, r authz.Request, of []Proposition) ([]Truth, error)
	// Evaluate says what expressions come to for a request that leaves nothing open.
	Evaluate(ctx context.Context, r authz.Request, of []Expression) ([]Value, error)
	// Inline returns the text of an expression with its variables and constants
	// replaced by what they stand for.
	Inline(x Expression) string
	// Operands lists what an expression reads, and reports whether it reads anything
	// that the request leaves open.
	Operands(r *authz.Request, text string) (list []Operand, open bool)
}

// A Looker says what expressions of rules look at.
type Looker interface {
	// Looks lists what an expression looks at, in the order of its text, each different
	// thing once. [Look.In] has what stands there in a request.
	Looks(x Expression) []Look
}

// An Evaluable engine evaluates expressions by themselves.
type Evaluable interface {
	// Leaves returns what evaluates expressions that see no variables, constants and
	// globals, for requests that leave nothing open.
	Leaves() solver.Evaluator
	// Inline returns the text of an expression with its variables and constants
	// replaced by what they stand for.
	Inline(x Expression) string
}

// A Holder evaluates conditions that decisions came to.
type Holder interface {
	// Holds says what comes of conditions for requests that leave nothing open, in
	// order. It is Conditional where a condition does not tell.
	Holds(ctx context.Context, list []Given) ([]authz.Effect, error)
}

// ErrNoPolicies is returned for a directory without a single policy.
var ErrNoPolicies = errors.New("no policies")
