package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// An Engine decides and evaluates; pdp.Engine does.
type Engine interface {
	pdp.Decider
	Evaluate(context.Context, authz.Request, []pdp.Expression) ([]pdp.Value, error)
	Inline(pdp.Expression) string
	Validate(context.Context, []authz.Request) ([][]authz.ValidationError, error)
}

// A Question is what is to be explained.
type Question struct {
	Matrix    *matrix.Matrix // has Principal and Column
	Engine    Engine
	Policies  *policy.Set
	Principal *authz.Principal
	Column    *matrix.Column
	Arguments map[string]any // nil leaves them open
}

// An Explanation says why a cell is what it is.
type Explanation struct {
	Principal *authz.Principal
	Column    *matrix.Column
	Arguments map[string]any
	Cell      matrix.Cell
	Sentence  string // the outcome, in one sentence
	Requests  []Request
	Ways      []Way // what would allow what is denied, confirmed by the engine
}

// A Request is one question that the enforcement point would ask, and what
// came of it.
type Request struct {
	authz.Request
	Decision   authz.Decision
	Validation []authz.ValidationError // what the policies' schemas hold against it
	Rules      []Rule                  // that are about its kind and action, those that apply first
	Derived    []DerivedRole           // that those rules name
}

// A Rule is a policy rule that is about a request.
type Rule struct {
	*policy.Rule
	Via     string    // how the principal comes under it: "role SALES", "derived role owner"; "" if not at all
	Reached bool      // the engine looked at it
	Met     authz.Met // if reached
	Exprs   []Expr    // of its condition; evaluated if it applies
}

// An Expr is one expression of a condition, and what it came to.
type Expr struct {
	policy.Text
	Inlined string // the text with the policy's variables and constants replaced
	Value   pdp.Value
	Parts   []Part // of Inlined
}

// A Part is something that an expression reads.
type Part struct {
	Text   string
	Offset int // of its first mention in the expression, in bytes
	Value  pdp.Value
	Open   bool // it depends on arguments that are left open
}

// A DerivedRole is one that a rule names.
type DerivedRole struct {
	*policy.DerivedRole
	Active bool
	Why    string // why it is not: a parent role that is missing, or a condition
	Exprs  []Expr
}

// A Way is a change that would allow what is denied.
type Way struct {
	Text      string // "arguments.region = \"EMEA\"", "the role ADMIN"
	Condition string // on which it would still depend, or ""
}

// Explain answers a question.
func Explain(ctx context.Context, q *Question) (*Explanation, error) {
	x := &Explanation{Principal: q.Principal, Column: q.Column, Arguments: q.Arguments}
	if q.Arguments == nil {
		x.Cell = *q.Matrix.Cell(q.Matrix.ClassOf(q.Principal.Key), q.Column)
	} else {
		cells, err := q.Matrix.Ask(ctx, []matrix.Case{{Principal: q.Principal, Column: q.Column, Arguments: q.Arguments}})
		if err != nil {
			return nil, err
		}
		x.Cell = cells[0]
	}
	for _, r := range q.Column.Question.Requests {
		r.Principal = q.Principal
		if q.Arguments != nil {
			r = pep.Bind(r, q.Arguments)
		}
		explained, err := q.request(ctx, r)
		if err != nil {
			return nil, err
		}
		x.Requests = append(x.Requests, *explained)
	}
	if x.Cell.Access == matrix.Denied {
		ways, err := q.ways(ctx, x)
		if err != nil {
			return nil, err
		}
		x.Ways = ways
	}
	x.Sentence = x.sentence()
	return x, nil
}

func (q *Question) request(ctx context.Context, r authz.Request) (*Request, error) {
	decisions, err := q.Engine.Decide(ctx, []authz.Request{r})
	if err != nil {
		return nil, err
	}
	x := &Request{Request: r, Decision: decisions[0]}
	found, err := q.Engine.Validate(ctx, []authz.Request{r})
	if err != nil {
		return nil, err
	}
	x.Validation = found[0]
	known := pep.Bind(r, nil)
	for rule := range q.Policies.Rules() {
		if !about(rule, &r) {
			continue
		}
		e := Rule{Rule: rule, Via: q.via(rule)}
		for _, ref := range x.Decision.Rules {
			if q.Policies.RuleFor(ref.ID, r.Resource.Kind, r.Action) == rule {
				e.Reached, e.Met = true, met(rule, ref)
			}
		}
		if e.Via != "" {
			if e.Exprs, err = q.exprs(ctx, known, rule, nil, r.Unknown); err != nil {
				return nil, err
			}
		}
		x.Rules = append(x.Rules, e)
		if err := q.derived(ctx, x, known, rule); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(x.Rules, func(a, b Rule) int { return weight(&a) - weight(&b) })
	return x, nil
}

// weight puts the rules that apply before those that do not.
func weight(r *Rule) int {
	switch {
	case r.Reached && r.Met != authz.Unmet:
		return 0
	case r.Reached:
		return 1
	case r.Via != "":
		return 2
	}
	return 3
}

// met undoes what the engine does to a conditional ALLOW where a scope needs
// its parent's consent: it compiles it into a DENY of the opposite.
func met(rule *policy.Rule, ref authz.RuleRef) authz.Met {
	if rule.Effect == authz.Allow && ref.Effect == authz.Deny {
		switch ref.Met {
		case authz.Fired:
			return authz.Unmet
		case authz.Unmet:
			return authz.Fired
		case authz.Depends:
		}
	}
	return ref.Met
}

// about reports whether a rule is about a request's kind, action, principal
// and scope.
func about(rule *policy.Rule, r *authz.Request) bool {
	p := rule.Policy
	if p.Kind == policy.PrincipalPolicy && p.Name != r.Principal.ID {
		return false
	}
	scope := r.Resource.Scope
	if p.Kind == policy.PrincipalPolicy {
		scope = r.Principal.Scope
	}
	inScope := p.Scope == "" || p.Scope == scope || strings.HasPrefix(scope, p.Scope+".")
	version := r.Resource.PolicyVersion
	return inScope && (version == "" || version == p.Version) && rule.CoversKind(r.Resource.Kind) && rule.CoversAction(r.Action)
}

// via says how the principal comes under a rule.
func (q *Question) via(rule *policy.Rule) string {
	if rule.Policy.Kind == policy.PrincipalPolicy {
		return "principal " + q.Principal.ID
	}
	for _, pattern := range rule.Roles {
		for _, role := range q.Principal.Roles {
			if ok, err := policy.MatchRole(pattern.Value, role); err == nil && ok {
				if pattern.Value == "*" {
					return "everyone"
				}
				return "role " + role
			}
		}
	}
	for _, name := range rule.DerivedRoles {
		if dr := q.Policies.DerivedRole(rule.Policy, name.Value); dr != nil && q.holdsParent(dr) {
			return "derived role " + name.Value
		}
	}
	return ""
}

func (q *Question) holdsParent(dr *policy.DerivedRole) bool {
	return slices.ContainsFunc(dr.ParentRoles, func(parent policy.Text) bool {
		return slices.ContainsFunc(q.Principal.Roles, func(role string) bool {
			ok, err := policy.MatchRole(parent.Value, role)
			return err == nil && ok
		})
	})
}

// derived explains the derived roles that a rule names.
func (q *Question) derived(ctx context.Context, x *Request, known authz.Request, rule *policy.Rule) error {
	for _, name := range rule.DerivedRoles {
		dr := q.Policies.DerivedRole(rule.Policy, name.Value)
		if dr == nil || slices.ContainsFunc(x.Derived, func(d DerivedRole) bool { return d.DerivedRole == dr }) {
			continue
		}
		d := DerivedRole{DerivedRole: dr}
		if !q.holdsParent(dr) {
			d.Why = "none of its parent roles is held: " + texts(dr.ParentRoles)
			x.Derived = append(x.Derived, d)
			continue
		}
		exprs, err := q.exprs(ctx, known, rule, dr, x.Unknown)
		if err != nil {
			return err
		}
		d.Exprs = exprs
		d.Active = holds(dr.Condition, exprs)
		if !d.Active {
			d.Why = "its condition is not met"
		}
		x.Derived = append(x.Derived, d)
	}
	return nil
}

// holds combines what the engine evaluated the expressions of a condition to.
// It is for display: the decision has been made.
func holds(c *policy.Condition, exprs []Expr) bool {
	if c == nil {
		return true
	}
	next := 0
	var walk func(c *policy.Condition) bool
	walk = func(c *policy.Condition) bool {
		switch c.Op {
		case policy.Expr:
			next++
			return exprs[next-1].Value.V == true
		case policy.All, policy.Any, policy.None:
		}
		n := 0
		for _, of := range c.Of {
			if walk(of) {
				n++
			}
		}
		switch c.Op {
		case policy.All:
			return n == len(c.Of)
		case policy.Any:
			return n > 0
		case policy.None, policy.Expr:
		}
		return n == 0
	}
	return walk(c)
}

// exprs evaluates the expressions of a rule's condition, or of a derived
// role's, and what they read.
func (q *Question) exprs(ctx context.Context, known authz.Request, rule *policy.Rule, dr *policy.DerivedRole, unknown []string) ([]Expr, error) {
	condition, role := rule.Condition, ""
	if dr != nil {
		condition, role = dr.Condition, dr.Name
	}
	var list []Expr
	var ask []pdp.Expression
	add := func(text string) {
		ask = append(ask, pdp.Expression{Rule: rule.ID, DerivedRole: role, Text: text})
	}
	for text := range condition.Exprs() {
		e := Expr{Text: text, Inlined: q.Engine.Inline(pdp.Expression{Rule: rule.ID, DerivedRole: role, Text: text.Value})}
		add(text.Value)
		for _, part := range pdp.Operands(e.Inlined) {
			e.Parts = append(e.Parts, Part{Text: part, Offset: strings.Index(e.Inlined, part), Open: isOpen(part, unknown)})
			add(part)
		}
		list = append(list, e)
	}
	if len(ask) == 0 {
		return nil, nil
	}
	values, err := q.Engine.Evaluate(ctx, known, ask)
	if err != nil {
		return nil, fmt.Errorf("evaluate rule %s: %w", rule.ID, err)
	}
	next := 0
	for i := range list {
		list[i].Value = values[next]
		next++
		for j := range list[i].Parts {
			list[i].Parts[j].Value = values[next]
			next++
		}
	}
	return list, nil
}

// isOpen reports whether a part reads arguments that are left open.
func isOpen(part string, unknown []string) bool {
	if unknown == nil {
		return false
	}
	path := "attr." + strings.Join(unknown, ".")
	return strings.HasPrefix(part, "R."+path) || strings.HasPrefix(part, "request.resource."+path)
}

func texts(list []policy.Text) string {
	var names []string
	for _, t := range list {
		names = append(names, t.Value)
	}
	return strings.Join(names, ", ")
}
