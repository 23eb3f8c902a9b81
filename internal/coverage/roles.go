package coverage

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/policy"
)

// Roles returns the roles that a rule is for, patterns among them: by
// themselves, and as parents of its derived roles. They may repeat.
func Roles(set *policy.Set, r *policy.Rule) []policy.Text {
	roles := slices.Clone(r.Roles)
	for _, name := range r.DerivedRoles {
		if d := set.DerivedRole(r.Policy, name.Value); d != nil {
			roles = append(roles, d.ParentRoles...)
		}
	}
	return roles
}

// RolesNamed lists the roles that policies name, patterns among them: in rules,
// as parents of derived roles, and by role policies. They may repeat.
func RolesNamed(set *policy.Set) []string {
	var names []string
	add := func(list []policy.Text) {
		for _, t := range list {
			names = append(names, t.Value)
		}
	}
	for r := range set.Rules() {
		add(Roles(set, r))
	}
	for _, p := range set.Policies {
		if p.Kind == policy.RolePolicy && !p.Disabled {
			names = append(names, p.Name)
			add(p.ParentRoles)
		}
	}
	return names
}

// Concerned returns those of the roles that a rule is for, by themselves or as
// parents of its derived roles.
func (x *Index) Concerned(r *policy.Rule, roles []string) []string {
	patterns := Roles(x.policies, r)
	var list []string
	for _, role := range roles {
		if slices.ContainsFunc(patterns, func(t policy.Text) bool {
			ok, err := policy.MatchRole(t.Value, role)
			return ok && err == nil
		}) && !strings.Contains(role, "*") {
			list = append(list, role)
		}
	}
	return list
}

// RolePolicies returns the policies of a role.
func (x *Index) RolePolicies(role string) []*policy.Policy { return x.rolePolicies[role] }

// sortRolePolicies sorts the role policies by role.
func (x *Index) sortRolePolicies() {
	x.rolePolicies = map[string][]*policy.Policy{}
	if x.policies == nil {
		return
	}
	for _, p := range x.policies.Policies {
		if p.Kind == policy.RolePolicy && !p.Disabled {
			x.rolePolicies[p.Name] = append(x.rolePolicies[p.Name], p)
		}
	}
}

// Lineage returns roles and those that role policies put above them, each once.
func (x *Index) Lineage(roles ...string) []string {
	list := ordered.Distinct(roles)
	if len(x.rolePolicies) == 0 {
		return list
	}
	seen := map[string]bool{}
	for _, role := range list {
		seen[role] = true
	}
	for i := 0; i < len(list); i++ {
		for _, p := range x.RolePolicies(list[i]) {
			for _, parent := range p.ParentRoles {
				if !seen[parent.Value] {
					seen[parent.Value] = true
					list = append(list, parent.Value)
				}
			}
		}
	}
	return list
}
