package authz

import (
	"encoding/json"
	"fmt"
)

// A Resource is what a request is about, as an enforcement point describes it.
type Resource struct {
	Kind          string
	ID            string
	Attr          map[string]any // JSON values
	PolicyVersion string         // "" for the engine's default
	Scope         string         // "" for the engine's default
}

// Mapping returns the mapping that stands at a path below the attributes, where a request
// that leaves arguments open has them; nil if nothing does.
func (r *Resource) Mapping(path []string) map[string]any {
	m := r.Attr
	for _, name := range path {
		m, _ = m[name].(map[string]any)
	}
	return m
}

// A Request is what the policy engine is asked: may the principal do the
// action on the resource?
type Request struct {
	Principal *Principal
	Resource  Resource
	Action    string

	// AnyPrincipal leaves the principal's id, attributes and auxiliary data
	// open too, so that the request is about anybody with the principal's
	// roles.
	AnyPrincipal bool

	// AnyTime leaves open what time it is, too.
	AnyTime bool

	// Unknown is the path below the resource's attributes where the call's
	// arguments stand, when they are to be left open: the request is then
	// asked for every possible value at once, a missing one included. Nil asks
	// about Attr as it is.
	Unknown []string

	// Made lists the parts of the resource and the action that are made of the call, of what
	// is looked up and of who asks. Where they stand the request has what people read.
	Made []Made
	// Arguments is where the arguments stand below the resource's attributes, for what is
	// made of them.
	Arguments []string

	// By, if set, makes the request that goes out for whoever asks. The rest says what people
	// read, and how the arguments stand in it.
	By Sender
	// Needs is what has to be met for anything to go out at all: else the enforcement point
	// refuses. It is none if nothing has.
	Needs Clause

	// OpenUncovered says that the enforcement point lets the request pass if no
	// policy covers it. A decision then allows that, and says that there is no policy.
	OpenUncovered bool
}

// MadeKey is the same for requests of which the same is made of the same.
func (r *Request) MadeKey() string {
	if r.Made == nil && r.By == nil && r.Needs.IsZero() {
		return ""
	}
	by := ""
	if r.By != nil {
		by = r.By.Key()
	}
	data, err := json.Marshal([]any{r.Made, r.Arguments, by, r.Needs.String()})
	if err != nil {
		return fmt.Sprint(r.Made, r.Arguments, by, r.Needs) // never: they are JSON values
	}
	return string(data)
}

// Enforced returns what becomes of a decision at the enforcement point that asks, if it asks.
func (r *Request) Enforced(d Decision) Decision {
	if r.OpenUncovered && d.NoPolicy && d.Effect == Deny {
		d.Effect = Allow
	}
	return d
}

// An Effect is what a decision comes to.
type Effect uint8

// The effects. The zero value denies.
const (
	Deny        Effect = iota
	Allow              // whatever is unknown
	Conditional        // Allow for some values of what is unknown, Deny for others
)

// String returns deny, allow or conditional.
func (e Effect) String() string { return [...]string{"deny", "allow", "conditional"}[e] }

// A Decision answers a [Request].
type Decision struct {
	Effect Effect

	Condition Condition // of Conditional

	Rules []RuleRef // the rules that took part, sorted by ID

	// NoPolicy is set when no policy covers the resource's kind, version and
	// scope, so that the denial is nobody's decision, or the request open to anybody.
	NoPolicy bool

	// Refusal says why nobody decided, which lets nobody in; nil if somebody did.
	Refusal *Refusal

	Validation []ValidationError // what the policy's schemas say against the request
	Errors     []EvalError       // expressions that could not be evaluated
}

// A RuleRef names a policy rule that took part in a decision.
type RuleRef struct {
	ID     string // as Cerbos names it: resource.mcp_server.vdefault#rule-004
	Effect Effect // of the rule, as compiled
	Met    Met
}

// Met says how a rule's condition came out.
type Met uint8

// The outcomes of a rule's condition.
const (
	Unmet   Met = iota // the rule matched but its condition was not met
	Fired              // the rule applied
	Depends            // it depends on what is unknown
)

// A ValidationError is one thing that a schema refuses in a request.
type ValidationError struct {
	Path    string // JSON pointer below the attributes
	Message string
	Source  string // principal or resource
}

// An EvalError is a CEL expression that could not be evaluated, and why.
type EvalError struct {
	Expr    string
	Message string
}
