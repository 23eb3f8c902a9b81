package mutate

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// everything is the action, or the role, that stands for all.
const everything = "*"

// Says returns what a rule of a resource policy says, as an engine takes it.
func Says(r *policy.Rule) *pdp.Rule {
	return &pdp.Rule{
		Effect: r.Effect, Actions: texts(r.Actions), Roles: texts(r.Roles), DerivedRoles: texts(r.DerivedRoles), Condition: matchOf(r.Condition),
	}
}

func texts(list []policy.Text) []string {
	var values []string
	for _, t := range list {
		values = append(values, t.Value)
	}
	return values
}

func matchOf(c *policy.Condition) *pdp.Match {
	if c == nil {
		return nil
	}
	m := &pdp.Match{Op: opOf[c.Op], Expr: c.Expr}
	for _, x := range c.Of {
		m.Of = append(m.Of, matchOf(x))
	}
	return m
}

var opOf = [...]pdp.MatchOp{policy.Expr: pdp.MatchExpr, policy.All: pdp.MatchAll, policy.Any: pdp.MatchAny, policy.None: pdp.MatchNone}

// of returns a mutant of a rule, which says something else.
func (m *maker) of(r *policy.Rule, op Operator, pos source.Pos, before, after string, e edit, change func(*pdp.Rule)) *Mutant {
	mutant := &Mutant{Operator: op, Pos: pos, Of: r.ID, Rule: r, Rules: []string{r.ID}, Before: before, After: after, edit: e}
	if r.Policy.Kind == policy.ResourcePolicy {
		mutant.Change = &pdp.Change{Rule: r.ID}
		if change != nil {
			mutant.Change.Says = Says(r)
			change(mutant.Change.Says)
		}
	}
	return mutant
}

// rule makes the mutants of a rule.
func (m *maker) rule(r *policy.Rule, n *source.Node) {
	m.ruleRemoved(r, n)
	if effect := field(n, "effect"); effect != nil {
		flipped, name := authz.Allow, "EFFECT_ALLOW"
		if r.Effect == authz.Allow {
			flipped, name = authz.Deny, "EFFECT_DENY"
		}
		m.add(m.of(r, EffectFlipped, effect.Pos, "effect: "+effectNames[r.Effect], "effect: "+name, edit{node: effect, value: name}, func(s *pdp.Rule) { s.Effect = flipped }))
	}
	m.roles(r, n)
	m.actions(r, n)
	m.condition(&site{of: r.ID, rules: []string{r.ID}, rule: r}, r.Condition, n)
}

var effectNames = map[authz.Effect]string{authz.Allow: "EFFECT_ALLOW", authz.Deny: "EFFECT_DENY"}

// ruleRemoved takes a rule out.
func (m *maker) ruleRemoved(r *policy.Rule, n *source.Node) {
	op := RuleRemoved
	if r.Effect == authz.Deny && slices.Contains(texts(r.Actions), everything) {
		op = DefaultDenyRemoved
	}
	out := n
	if list, holder := listOf(m.root, n, nil); r.Policy.Kind == policy.PrincipalPolicy && list != nil && len(list.Items) == 1 {
		out = holder // a resource without actions is no rule
	}
	m.add(m.of(r, op, n.Pos, "rule "+r.Label(), "", edit{node: out, removed: true}, nil))
}

// listOf returns the list that a node is in, and the mapping that the list is in.
func listOf(root, n, above *source.Node) (list, holder *source.Node) {
	for _, item := range root.Items {
		if item == n {
			return root, above
		}
		if list, holder = listOf(item, n, above); list != nil {
			return list, holder
		}
	}
	for _, f := range root.Fields {
		if list, holder = listOf(f.Value, n, root); list != nil {
			return list, holder
		}
	}
	return nil, nil
}

// roles makes the mutants of whom a rule is for.
func (m *maker) roles(r *policy.Rule, n *source.Node) {
	if r.Policy.Kind != policy.ResourcePolicy {
		return
	}
	roles := field(n, "roles")
	if roles != nil && roles.Is(source.Sequence) && !slices.Contains(texts(r.Roles), everything) {
		m.add(m.of(r, RoleWidened, keyPos(n, "roles"), "roles: "+listed(texts(r.Roles)), `roles: ["*"]`, edit{node: roles, value: []any{everything}}, func(s *pdp.Rule) { s.Roles = []string{everything} }))
	}
	if len(r.Roles)+len(r.DerivedRoles) < 2 {
		return // without it the rule is for nobody
	}
	m.roleRemoved(r, roles, r.Roles, "role ", func(s *pdp.Rule, left []string) { s.Roles = left })
	m.roleRemoved(r, field(n, "derivedRoles"), r.DerivedRoles, "derived role ", func(s *pdp.Rule, left []string) { s.DerivedRoles = left })
}

// roleRemoved takes one of a rule's roles, or derived roles, out of their list.
func (m *maker) roleRemoved(r *policy.Rule, list *source.Node, roles []policy.Text, what string, change func(s *pdp.Rule, left []string)) {
	if list == nil || len(list.Items) != len(roles) {
		return
	}
	for i, item := range list.Items {
		left := slices.Delete(texts(roles), i, i+1)
		e := edit{node: item, removed: true}
		if len(left) == 0 {
			e.node = list
		}
		m.add(m.of(r, RoleRemoved, item.Pos, what+roles[i].Value, "", e, func(s *pdp.Rule) { change(s, left) }))
	}
}

func listed(list []string) string { return "[" + strings.Join(list, ", ") + "]" }

// actions makes the mutants of what a rule is about.
func (m *maker) actions(r *policy.Rule, n *source.Node) {
	if r.Policy.Kind == policy.PrincipalPolicy {
		if a := field(n, "action"); a != nil && len(r.Actions) == 1 {
			if wide := widened(r.Actions[0].Value); wide != r.Actions[0].Value {
				m.add(m.of(r, ActionWidened, a.Pos, r.Actions[0].Value, wide, edit{node: a, value: wide}, nil))
			}
		}
		return
	}
	list := field(n, "actions")
	if r.Policy.Kind == policy.RolePolicy {
		list = field(n, "allowActions")
	}
	if list == nil || len(list.Items) != len(r.Actions) {
		return
	}
	for i, item := range list.Items {
		if wide := widened(r.Actions[i].Value); !slices.Contains(texts(r.Actions), wide) { // an engine takes none twice
			m.add(m.of(r, ActionWidened, item.Pos, r.Actions[i].Value, wide, edit{node: item, value: wide}, func(s *pdp.Rule) { s.Actions[i] = wide }))
		}
		if len(list.Items) > 1 {
			left := slices.Delete(texts(r.Actions), i, i+1)
			m.add(m.of(r, ActionRemoved, item.Pos, "action "+r.Actions[i].Value, "", edit{node: item, removed: true}, func(s *pdp.Rule) { s.Actions = left }))
		}
	}
}

// widened returns an action with its last segment for any.
func widened(action string) string {
	return action[:strings.LastIndexAny(action, ":/")+1] + everything
}

// derivedRole makes the mutants of a derived role.
func (m *maker) derivedRole(d *policy.DerivedRole, n *source.Node) {
	var rules []string
	for r := range m.set.Rules() {
		if slices.Contains(texts(r.DerivedRoles), d.Name) {
			rules = append(rules, r.ID)
		}
	}
	of := d.Set.Key() + " " + d.Name
	m.condition(&site{of: of, rules: rules}, d.Condition, n)
	parents := field(n, "parentRoles")
	if parents == nil || len(parents.Items) != len(d.ParentRoles) {
		return
	}
	if !slices.Contains(texts(d.ParentRoles), everything) {
		m.add(&Mutant{
			Operator: DerivedParentWidened, Pos: keyPos(n, "parentRoles"), Of: of, Rules: rules, Before: "parentRoles: " + listed(texts(d.ParentRoles)), After: `parentRoles: ["*"]`,
			edit: edit{node: parents, value: []any{everything}},
		})
	}
	for i, item := range parents.Items {
		if len(parents.Items) > 1 {
			m.add(&Mutant{Operator: DerivedParentRemoved, Pos: item.Pos, Of: of, Rules: rules, Before: "parent role " + d.ParentRoles[i].Value, edit: edit{node: item, removed: true}})
		}
	}
}
