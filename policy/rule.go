package policy

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Rule is what Cerbos decides by: a rule of a resource or role policy, or an
// action of a principal policy.
type Rule struct {
	// ID is the name that Cerbos gives the rule in outputs:
	// resource.mcp_server.vdefault#rule-004. Two rules share it only where a
	// policy names them alike, see [Set.Named]. Rules without a name in a role
	// policy are all role.NAME.vdefault# to Cerbos; their ID goes on with the
	// resource and a number: role.NAME.vdefault#album_rule-001.
	ID     string
	Name   string // as given, or ""
	Policy *Policy
	Pos    source.Pos // where the rule's mapping starts
	End    source.Pos // where the last value in it starts

	Resource    string // what it is about: a kind, or in principal and role policies a pattern
	ResourcePos source.Pos

	Effect       authz.Effect // Allow or Deny; a role policy's allowActions are Allow
	Actions      []Text       // one in a principal policy
	Roles        []Text       // in a role policy the policy's own role; none in a principal policy
	DerivedRoles []Text
	Condition    *Condition // nil if unconditional
	Outputs      []Text     // the expressions that it puts into replies

	label    string
	resource string // Resource as Cerbos matches it
}

// Label returns the rule's name, or the one that stands in for it: rule-004,
// album_rule-001.
func (r *Rule) Label() string { return r.label }

// effects by number, as in [reader.enum].
var effects = []string{"EFFECT_UNSPECIFIED", "EFFECT_ALLOW", "EFFECT_DENY"}

func (r *reader) resourceRules(p *Policy, body *source.Node) []*Rule {
	var rules []*Rule
	for i, n := range r.mappings(body, "rules") {
		if n == nil {
			continue
		}
		rule := r.rule(p, n, Text{p.Name, p.NamePos})
		rule.Effect = r.effect(n)
		rule.Actions = r.texts(n, "actions")
		rule.Roles = r.texts(n, "roles")
		rule.DerivedRoles = r.texts(n, "derivedRoles")
		rule.identify(i + 1)
		rules = append(rules, rule)
	}
	return rules
}

func (r *reader) principalRules(p *Policy, body *source.Node) []*Rule {
	var rules []*Rule
	for _, n := range r.mappings(body, "rules") {
		resource := r.text(n, "resource")
		for i, action := range r.mappings(n, "actions") {
			if action == nil {
				continue
			}
			rule := r.rule(p, action, resource)
			rule.Effect = r.effect(action)
			rule.Actions = []Text{r.text(action, "action")}
			rule.identify(i + 1)
			rules = append(rules, rule)
		}
	}
	return rules
}

func (r *reader) roleRules(p *Policy, body *source.Node, role Text) []*Rule {
	var rules []*Rule
	count := map[string]int{}
	for _, n := range r.mappings(body, "rules") {
		if n == nil {
			continue
		}
		rule := r.rule(p, n, r.text(n, "resource"))
		rule.Effect = authz.Allow
		rule.Actions = r.texts(n, "allowActions")
		rule.Roles = []Text{role}
		count[rule.Resource]++
		rule.identify(count[rule.Resource])
		rules = append(rules, rule)
	}
	return rules
}

// rule reads what rules of every kind have.
func (r *reader) rule(p *Policy, n *source.Node, resource Text) *Rule {
	rule := &Rule{
		Name:        r.text(n, "name").Value,
		Policy:      p,
		Pos:         n.Pos,
		End:         last(n),
		Resource:    resource.Value,
		ResourcePos: resource.Pos,
		Condition:   r.condition(n),
	}
	output := r.mapping(n, "output")
	when := r.mapping(output, "when")
	for _, t := range []Text{r.text(output, "expr"), r.text(when, "ruleActivated"), r.text(when, "conditionNotMet")} {
		if t.Value != "" {
			rule.Outputs = append(rule.Outputs, t)
		}
	}
	return rule
}

func (r *reader) effect(n *source.Node) authz.Effect {
	before := len(r.errs)
	e := r.enum(n, "effect", effects)
	if e.Value == "" && len(r.errs) == before && !r.isMisspelt(n, "effect") {
		pos := e.Pos
		if pos.IsZero() {
			pos = n.Pos
		}
		r.errorf(pos, "a rule needs an effect, EFFECT_ALLOW or EFFECT_DENY")
	}
	if e.Value == "EFFECT_ALLOW" {
		return authz.Allow
	}
	return authz.Deny
}
