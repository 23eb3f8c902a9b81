package pdp

import "github.com/mcpolicy/mcpolicy/authz"

// A RoleDecision is what a request comes to by the rules for one of the
// principal's roles.
type RoleDecision struct {
	Role string
	authz.Decision
	// Policies are the keys of those that the engine looked into, sorted.
	Policies []string
	// Limits are the keys of the role policies that deny it, sorted.
	Limits []string
	// Failed says whether a condition could not be evaluated and that denies,
	// because evaluation is strict.
	Failed authz.Met
	// Skipped is set if a role before it settles the decision, which only
	// strict evaluation minds.
	Skipped bool
}

// A Ground is how a principal comes under a rule.
type Ground struct {
	// Held is the principal's role, or "" if the rule is about the principal
	// by its id.
	Held string
	// Role is the role of the rule, or the parent role of its derived role. It
	// is not Held where it is a pattern, or a parent of Held's by a role policy.
	Role        string
	DerivedRole string // "" if the rule names the role itself
}

// A Truth is what a condition comes to, for every value of what a request
// leaves open.
type Truth uint8

// The truths. Varies, the zero value, claims nothing.
const (
	Varies Truth = iota // it depends on what is open
	Always              // it is met whatever is open
	Never               // it is not met, whatever is open
	Fails               // it cannot be evaluated, whatever is open
)

// A Proposition is the condition of a rule or of a derived role, or one of its
// expressions.
type Proposition struct {
	Rule        string // the ID, as in [authz.RuleRef]
	DerivedRole string // if set, of this derived role of the rule's
	// Of are the expressions of the condition, in the order of the policy. It
	// tells apart rules that share an ID.
	Of   []string
	Text string // one expression; "" for the whole condition
	// Effect is the rule's as written. Where a scope requires its parent's
	// consent, Cerbos compiles a conditional ALLOW into a DENY of the opposite.
	Effect authz.Effect
}
