package explain

import (
	"context"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
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
	// DeniedRoles are those that the policies name or that are held, and that
	// may not.
	DeniedRoles []string
	// Exceptions are the ids that principal policies are about: what is said of
	// roles need not hold for them.
	Exceptions []string
	// Unanswered are patterns of roles of which no example was found.
	Unanswered []string
}

// Everybody reports whether there is nobody that may not, at least on a
// condition.
func (a *Answer) Everybody() bool {
	any := slices.ContainsFunc(a.ByRole, func(h RoleHolder) bool { return h.Role == "*" })
	return any && a.Denied == 0 && len(a.DeniedRoles) == 0 && len(a.Exceptions) == 0 && len(a.Unanswered) == 0
}

// Holders are declared principals with the same access.
type Holders struct {
	Principals []*authz.Principal
	Access     matrix.Access
	Condition  authz.Condition
	Rules      []matrix.Rule
}

// A RoleHolder is anybody with a role, and what it takes besides.
type RoleHolder struct {
	// Role is a name or a pattern that a rule has. "*" is any role that is not
	// listed.
	Role      string
	Access    matrix.Access
	Condition authz.Condition // over arguments and principal
	// Settled is the condition that the engine left open of who is allowed all the same:
	// whoever has the role meets it with all arguments that the inputSchema allows.
	Settled authz.Condition
	Rules   []authz.RuleRef
	// Wildcard is set if nothing but rules for everyone lets the role in.
	Wildcard bool
	Held     bool // a declared principal has the role
}

const (
	nobodysRole = "mcpolicy:nobody's role" // that no policy names
	anybody     = "mcpolicy:anybody"       // an id that no principal policy is about
)

// WhoCan answers for columns, in order.
func WhoCan(ctx context.Context, m *matrix.Matrix, decider pdp.Decider, set *policy.Set, columns []*matrix.Column) ([]Answer, error) {
	roles, unanswered := rolesOf(m, set, columns)
	var requests []authz.Request
	for _, col := range columns {
		if !col.Question.Direct() {
			continue
		}
		for _, role := range append([]role{{"*", nobodysRole}}, roles...) {
			for _, r := range col.Question.Requests {
				r.Principal = &authz.Principal{Key: role.name, ID: anybody, Roles: []string{role.example}}
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
	settler := newRoleSettler(decider)
	for i, col := range columns {
		a := &answers[i]
		*a = Answer{Column: col}
		a.declared(m)
		if col.Question.Guarded() {
			a.Exceptions, a.Unanswered = exceptions(set, col), unanswered
		}
		if !col.Question.Direct() {
			if err := a.byLooking(ctx, m, roles); err != nil {
				return nil, err
			}
			continue
		}
		n := len(col.Question.Requests)
		if err := a.byRole(ctx, m, settler, roles, decisions[:n*(1+len(roles))]); err != nil {
			return nil, err
		}
		decisions = decisions[n*(1+len(roles)):]
	}
	return answers, nil
}

// byRole reads the decisions on the column's requests, on all of them for one
// role after the other, for any other role first.
func (a *Answer) byRole(ctx context.Context, m *matrix.Matrix, settler *roleSettler, roles []role, decisions []authz.Decision) error {
	n := len(a.Column.Question.Requests)
	holders := make([]RoleHolder, 1+len(roles))
	for i := range holders {
		of := decisions[n*i : n*(i+1)]
		holders[i] = conjunction(of)
		if err := settler.settle(ctx, a.Column, &holders[i], of); err != nil {
			return err
		}
	}
	a.hold(m, roles, holders)
	return nil
}

// byLooking answers for a column of which a matrix alone knows what decisions come to.
func (a *Answer) byLooking(ctx context.Context, m *matrix.Matrix, roles []role) error {
	var who []*authz.Principal
	for _, role := range append([]role{{"*", nobodysRole}}, roles...) {
		who = append(who, &authz.Principal{Key: role.name, ID: anybody, Roles: []string{role.example}})
	}
	cells, err := m.Look(ctx, a.Column.Open(true, false), who)
	if err != nil {
		return err
	}
	holders := make([]RoleHolder, len(cells))
	for i, cell := range cells {
		holders[i] = RoleHolder{Access: cell.Access, Condition: cell.Condition}
		for _, r := range cell.Rules {
			holders[i].Rules = append(holders[i].Rules, authz.RuleRef{ID: r.ID, Effect: r.Effect, Met: r.Met})
		}
	}
	a.hold(m, roles, holders)
	return nil
}

// hold takes down what each role may, what any other role may first.
func (a *Answer) hold(m *matrix.Matrix, roles []role, holders []RoleHolder) {
	others := holders[0]
	for i, role := range roles {
		h := holders[1+i]
		if !h.Access.Possible() {
			a.DeniedRoles = append(a.DeniedRoles, role.name)
			continue
		}
		h.Role = role.name
		h.Wildcard = a.Column.Question.Grant == nil && onlyBy(h.Rules, others.Rules) && (h.Access != matrix.Conditional || len(h.Rules) > 0)
		h.Held = isHeld(m, role.name)
		a.ByRole = append(a.ByRole, h)
	}
	if others.Access.Possible() {
		others.Role, others.Wildcard = "*", a.Column.Question.Grant == nil
		a.ByRole = append(a.ByRole, others)
	}
}

func (a *Answer) declared(m *matrix.Matrix) {
	for _, c := range m.Classes {
		cell := m.Cell(c, a.Column)
		if !cell.Access.Possible() {
			a.Denied += len(c.Principals)
			continue
		}
		i := slices.IndexFunc(a.Declared, func(h Holders) bool { return h.Access == cell.Access && h.Condition.Equal(cell.Condition) })
		if i < 0 {
			i = len(a.Declared)
			a.Declared = append(a.Declared, Holders{Access: cell.Access, Condition: cell.Condition, Rules: cell.Decisive()})
		}
		a.Declared[i].Principals = append(a.Declared[i].Principals, c.Principals...)
	}
}

// conjunction joins the decisions on the requests of a column. Where there are none, or
// none that a policy covers and that is denied, the column is unguarded.
func conjunction(of []authz.Decision) RoleHolder {
	open := func(d authz.Decision) bool { return d.NoPolicy && d.Effect == authz.Allow }
	if !slices.ContainsFunc(of, func(d authz.Decision) bool { return !open(d) }) {
		return RoleHolder{Access: matrix.Unguarded}
	}
	h := RoleHolder{Access: matrix.Allowed}
	var conditions []authz.Condition
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
	h.Condition = authz.AllOf(conditions...)
	return h
}

// A role is one that is asked about: a name, or a pattern and a role that
// matches it and that nothing names.
type role struct{ name, example string }

// rolesOf lists the roles and the patterns of roles that the policies name, or grants do, and
// the roles that are held. It also lists the patterns that it has no example of.
func rolesOf(m *matrix.Matrix, set *policy.Set, columns []*matrix.Column) (roles []role, unanswered []string) {
	names := coverage.RolesNamed(set)
	for _, col := range columns {
		if g := col.Question.Grant; g != nil {
			names = append(names, g.RolesNamed()...)
		}
	}
	for p := range m.Principals() {
		names = append(names, p.Roles...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		switch {
		case name == "*":
		case !policy.IsGlob(name):
			roles = append(roles, role{name, name})
		default:
			example := strings.NewReplacer("**", "mcpolicy", "*", "mcpolicy", "?", "x").Replace(name)
			if ok, err := policy.MatchRole(name, example); err != nil || !ok {
				unanswered = append(unanswered, name)
				continue
			}
			roles = append(roles, role{name, example})
		}
	}
	return roles, unanswered
}

// exceptions lists the ids that principal policies about a column are for,
// whatever their versions and scopes.
func exceptions(set *policy.Set, col *matrix.Column) []string {
	var ids []string
	for _, r := range col.Question.Requests {
		for rule := range coverage.About(set, &r) {
			if rule.Policy.Kind == policy.PrincipalPolicy {
				ids = append(ids, rule.Policy.Name)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// onlyBy reports whether every rule that allows is among those of others.
func onlyBy(rules, others []authz.RuleRef) bool {
	return !slices.ContainsFunc(rules, func(r authz.RuleRef) bool {
		return r.Effect == authz.Allow && r.Met != authz.Unmet && !strings.HasPrefix(r.ID, "role.") &&
			!slices.ContainsFunc(others, func(o authz.RuleRef) bool { return o.ID == r.ID })
	})
}

func isHeld(m *matrix.Matrix, name string) bool {
	for p := range m.Principals() {
		if slices.ContainsFunc(p.Roles, func(held string) bool {
			ok, err := policy.MatchRole(name, held)
			return held == name || ok && err == nil
		}) {
			return true
		}
	}
	return false
}
