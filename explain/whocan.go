package explain

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// An Answer says who may do one thing.
type Answer struct {
	Column   *matrix.Column
	Declared []Holders // by class, those that may
	ByRole   []RoleHolder
	// Denied is how many declared principals may not.
	Denied int
}

// Holders are declared principals with the same access.
type Holders struct {
	Principals []*authz.Principal
	Access     matrix.Access
	Condition  string
	Rules      []matrix.Rule
}

// A RoleHolder is anybody with a role, and what it takes besides.
type RoleHolder struct {
	Role      string
	Access    matrix.Access
	Condition string // over arguments and principal
	Rules     []authz.RuleRef
	// Wildcard is set if nothing but rules for everyone lets the role in.
	Wildcard bool
	Held     bool // a declared principal has the role
}

// nobodysRole is a role that no policy names.
const nobodysRole = "mcpolicy:nobody's role"

// WhoCan answers for columns, in order.
func WhoCan(ctx context.Context, m *matrix.Matrix, decider pdp.Decider, set *policy.Set, columns []*matrix.Column) ([]Answer, error) {
	roles := rolesOf(m, set)
	var requests []authz.Request
	for _, col := range columns {
		for _, role := range append([]string{nobodysRole}, roles...) {
			for _, r := range col.Question.Requests {
				r.Principal = &authz.Principal{Key: role, ID: role, Roles: []string{role}}
				r.AnyPrincipal = true
				requests = append(requests, r)
			}
		}
	}
	decisions, err := decider.Decide(ctx, requests)
	if err != nil {
		return nil, err
	}
	answers := make([]Answer, len(columns))
	next := 0
	for i, col := range columns {
		take := func() RoleHolder {
			n := len(col.Question.Requests)
			h := conjunction(decisions[next : next+n])
			next += n
			return h
		}
		a := Answer{Column: col}
		a.declared(m)
		anybody := take()
		for _, role := range roles {
			h := take()
			if h.Access == matrix.Denied {
				continue
			}
			h.Role = role
			h.Wildcard = onlyBy(h.Rules, anybody.Rules)
			h.Held = isHeld(m, role)
			a.ByRole = append(a.ByRole, h)
		}
		if anybody.Access != matrix.Denied {
			anybody.Role, anybody.Wildcard = "*", true
			a.ByRole = append(a.ByRole, anybody)
		}
		answers[i] = a
	}
	return answers, nil
}

func (a *Answer) declared(m *matrix.Matrix) {
	for _, c := range m.Classes {
		cell := m.Cell(c, a.Column)
		if !cell.Access.Possible() {
			a.Denied += len(c.Principals)
			continue
		}
		i := slices.IndexFunc(a.Declared, func(h Holders) bool { return h.Access == cell.Access && h.Condition == cell.Condition })
		if i < 0 {
			i = len(a.Declared)
			a.Declared = append(a.Declared, Holders{Access: cell.Access, Condition: cell.Condition, Rules: cell.Decisive()})
		}
		a.Declared[i].Principals = append(a.Declared[i].Principals, c.Principals...)
	}
}

// conjunction joins the decisions on the requests of a column. Without any,
// the column is unguarded.
func conjunction(of []authz.Decision) RoleHolder {
	if len(of) == 0 {
		return RoleHolder{Access: matrix.Unguarded}
	}
	h := RoleHolder{Access: matrix.Allowed}
	var conditions []string
	for _, d := range of {
		switch d.Effect {
		case authz.Deny:
			return RoleHolder{}
		case authz.Conditional:
			h.Access = matrix.Conditional
			conditions = append(conditions, d.Condition)
		case authz.Allow:
		}
		h.Rules = append(h.Rules, d.Rules...)
	}
	h.Condition = matrix.Both(conditions)
	return h
}

// rolesOf lists the roles that the policies name and those that are held.
func rolesOf(m *matrix.Matrix, set *policy.Set) []string {
	var roles []string
	for p := range m.Principals() {
		roles = append(roles, p.Roles...)
	}
	add := func(list []policy.Text) {
		for _, t := range list {
			if !policy.IsGlob(t.Value) {
				roles = append(roles, t.Value)
			}
		}
	}
	for rule := range set.Rules() {
		add(rule.Roles)
		for _, name := range rule.DerivedRoles {
			if dr := set.DerivedRole(rule.Policy, name.Value); dr != nil {
				add(dr.ParentRoles)
			}
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// onlyBy reports whether every rule that allows is among those of others.
func onlyBy(rules, others []authz.RuleRef) bool {
	return !slices.ContainsFunc(rules, func(r authz.RuleRef) bool {
		return r.Effect == authz.Allow && r.Met != authz.Unmet &&
			!slices.ContainsFunc(others, func(o authz.RuleRef) bool { return o.ID == r.ID })
	})
}

func isHeld(m *matrix.Matrix, role string) bool {
	for p := range m.Principals() {
		if slices.Contains(p.Roles, role) {
			return true
		}
	}
	return false
}
