package testcoverage

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A subject is a rule or a derived role.
type subject struct {
	rule      *policy.Rule // of a derived role one that is for it
	role      *policy.DerivedRole
	rules     []*policy.Rule // that it has a say in
	condition *policy.Condition
	parts     []part
	all       bool // it may have a say in every decision
}

// subjects lists the rules, and then the derived roles that rules are for.
func subjects(set *policy.Set) []*subject {
	var list, roles []*subject
	known := map[*policy.DerivedRole]*subject{}
	for r := range set.Rules() {
		list = append(list, newSubject(&subject{rule: r, rules: []*policy.Rule{r}, condition: r.Condition}))
		for _, name := range r.DerivedRoles {
			d := set.DerivedRole(r.Policy, name.Value)
			if d == nil {
				continue
			}
			s := known[d]
			if s == nil {
				s = newSubject(&subject{rule: r, role: d, condition: d.Condition})
				known[d] = s
			}
			s.rules = append(s.rules, r)
		}
	}
	read := derivedRolesRead(set)
	for _, p := range set.Policies { // in the order of the files
		for _, d := range p.DerivedRoles {
			if s := known[d]; s != nil {
				s.all = read
				roles = append(roles, s)
			}
		}
	}
	return append(list, roles...)
}

// derivedRolesRead reports whether an expression of the policies may look at who has which
// derived roles.
func derivedRolesRead(set *policy.Set) bool {
	reads := func(text string) bool {
		return strings.Contains(text, "erivedRoles") || strings.Contains(text, "runtime")
	}
	for _, p := range set.Policies {
		for _, v := range p.Variables.Local {
			if reads(v.Expr.Value) {
				return true
			}
		}
		for _, r := range p.Rules {
			for text := range r.Condition.Exprs() {
				if reads(text.Value) {
					return true
				}
			}
		}
	}
	return false
}

func newSubject(s *subject) *subject {
	if s.condition != nil {
		s.parts = partsOf(s.condition)
	}
	return s
}

// name returns the name of the derived role, "" of a rule: as [pdp.Expression] wants it.
func (s *subject) name() string {
	if s.role == nil {
		return ""
	}
	return s.role.Name
}

// about reports whether a request is about a rule that the subject has a say in.
func (s *subject) about(r *authz.Request) bool {
	if s.all {
		return true
	}
	for _, rule := range s.rules {
		if (rule.CoversKind(r.Resource.Kind) || r.MakesRoute("kind")) && (rule.CoversAction(r.Action) || r.MakesRoute("action")) {
			return true
		}
	}
	return false
}

// of returns a rule in which the engine evaluates the condition for a request that leaves nothing open:
// those that a derived role has a say in may be about different kinds of resources. It is nil if there
// is none.
func (s *subject) of(r *authz.Request) *policy.Rule {
	if s.role == nil {
		return s.rule
	}
	sent, refusal := r.Sent()
	if refusal != nil {
		return nil
	}
	for _, rule := range s.rules {
		if rule.CoversKind(sent.Resource.Kind) && rule.CoversAction(sent.Action) {
			return rule
		}
	}
	return nil
}

// A hold is one way to change a subject.
type hold struct {
	of   what
	as   bool
	part int // of aPart
}

// A what is what is held.
type what uint8

const (
	gone  what = iota // the rule is not there; nobody has the derived role
	whole             // the condition
	aPart
)

// holds lists the ways to change a subject that differ.
func (s *subject) holds() []hold {
	list := []hold{{of: gone}}
	if s.condition == nil {
		return list
	}
	list = append(list, hold{of: whole}, hold{of: whole, as: true})
	for i := range s.parts {
		if !s.parts[i].alone(s.condition) {
			list = append(list, hold{aPart, false, i}, hold{aPart, true, i})
		}
	}
	return list
}

// holding returns the hold of a part.
func (s *subject) holding(i int, as bool) hold {
	if s.parts[i].alone(s.condition) {
		return hold{of: whole, as: as}
	}
	return hold{aPart, as, i}
}

// match returns the condition as it is under a hold, nil where there is none.
func (s *subject) match(h hold) *pdp.Match {
	if h.of == aPart {
		return matchOf(s.condition, &s.parts[h.part], h.as)
	}
	if h.of == whole && h.as {
		return &pdp.Match{Expr: "true"}
	}
	return &pdp.Match{Expr: "false"}
}

// matchOf translates a condition of which one part is held.
func matchOf(c *policy.Condition, p *part, as bool) *pdp.Match {
	m := &pdp.Match{Op: pdp.MatchOp(c.Op), Expr: c.Expr} // expr, all, any, none in both
	if p.leaf == c {
		m.Expr = p.held(as)
	}
	for _, of := range c.Of {
		m.Of = append(m.Of, matchOf(of, p, as))
	}
	return m
}

// change returns the change of a rule of a resource policy, nil of anything else.
func (s *subject) change(h hold) *pdp.Change {
	if s.role != nil || s.rule.Policy.Kind != policy.ResourcePolicy {
		return nil
	}
	c := &pdp.Change{Rule: s.rule.ID}
	if h.of == gone {
		return c
	}
	c.Says = mutate.Says(s.rule)
	c.Says.Condition = s.match(h)
	return c
}
