package pdp

import (
	"context"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A Change is one rule that says something else, or nothing any more, or a file that does.
type Change struct {
	Rule string // the ID of the rule, as in [authz.RuleRef]
	Says *Rule  // what it says instead; nil if it is taken out

	File    string // in the place of both: a file, as positions name it; "" if it is a rule
	Content []byte // what it says instead
}

// A Rule is what a rule of a resource policy says.
type Rule struct {
	Effect       authz.Effect // Allow or Deny
	Actions      []string     // at least one
	Roles        []string     // at least one, or a derived role
	DerivedRoles []string
	Condition    *Match // nil if unconditional
}

// A Match is a condition as it is written: an expression, or all, any or none of others.
type Match struct {
	Op   MatchOp
	Expr string   // of MatchExpr
	Of   []*Match // of the others, at least one
}

// A MatchOp says how a [Match] combines its parts.
type MatchOp uint8

// The operators of a Match.
const (
	MatchExpr MatchOp = iota
	MatchAll
	MatchAny
	MatchNone
)

// A Changeable engine can say what it would decide if a rule or a file said something else.
type Changeable interface {
	// Change returns what becomes of each change, in order: it compiles them together,
	// which is quicker than opening an engine for each. Where that is not enough to know
	// what a change does, its Changed is nil: the policies have to be opened again.
	Change(ctx context.Context, changes []Change) ([]*Changed, error)
	// Together returns a decider for each of several changes, as [Changed.For] does, in
	// order. Loading engines takes time for each, and this loads one for all of them.
	Together(changes []Wanted) ([]Decider, error)
}

// A Wanted is a change that an engine has returned, and the actions that will be asked
// about, nil for all.
type Wanted struct {
	*Changed
	Actions []string
}

// A Changed is an engine of which one rule or file says something else.
type Changed struct {
	// Err is what the compiler says against the change; the other fields are nil then.
	Err error
	// Rows are the engine's own, for Together.
	Rows any
	// Touches reports whether a request may be decided otherwise than without the
	// change: by its kind, action and who asks, whatever attributes there are. It errs on
	// the side of too many; a request without a principal is anybody's.
	Touches func(r *authz.Request) bool
	// ByChance reports whether a request may be decided by rules that the engine confuses,
	// with the change or without it: see [Confusable]. What it decides says nothing then.
	ByChance func(r *authz.Request) bool
	// For returns an engine that decides requests about some actions, nil for all, as the
	// policies with the change would. It is quick to make if those are few.
	For func(actions []string) (Decider, error)
}

// AnyAction stands for all actions among those that a change is decided for.
const AnyAction = "\x00any"

// ActionOf returns the action of a request, or AnyAction if it is made of the call or of who
// asks.
func ActionOf(r *authz.Request) string {
	if r.MakesRoute("action") {
		return AnyAction
	}
	return r.Action
}
