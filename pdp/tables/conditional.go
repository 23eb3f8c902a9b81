package tables

import (
	"slices"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
)

// conditionalActions are the actions that rows with conditions may be about, and
// the roles that such rows are for. It need not be exact: what it takes for an action
// without conditions is found out to have some when the engine is asked.
type conditionalActions struct {
	roles map[string]map[string]bool // by action
	any   map[string]bool            // the roles of rows that may be about any action
}

// everyRole is the role of rows that are for all.
const everyRole = "*"

// mayMatter reports whether a condition may matter to an action of a principal.
func (c conditionalActions) mayMatter(p *enginev1.Principal, action string) bool {
	for _, of := range []map[string]bool{c.any, c.roles[action]} {
		if of[everyRole] || len(of) > 0 && slices.ContainsFunc(p.Roles, func(r string) bool { return of[r] }) {
			return true
		}
	}
	return false
}

// MayMatter returns what reports whether a condition may matter to an action of a
// principal. It errs on the side of too many: a glob may be about any action,
// and where roles have parents, whose rows are for them too, all roles have all rows.
func (t *Set) MayMatter() func(p *enginev1.Principal, action string) bool {
	parents := false
	for _, of := range t.Base.ScopeParentRoles {
		parents = parents || len(of.GetRoleParentRoles()) > 0
	}
	set := conditionalActions{roles: map[string]map[string]bool{}, any: map[string]bool{}}
	for _, row := range t.Rows {
		if row.Condition == nil && row.DerivedRoleCondition == nil {
			continue
		}
		role, action := row.Role, row.GetAction()
		if parents {
			role = everyRole
		}
		if row.GetAllowActions() != nil || strings.Contains(action, "*") {
			set.any[role] = true
			continue
		}
		if set.roles[action] == nil {
			set.roles[action] = map[string]bool{}
		}
		set.roles[action][role] = true
	}
	return set.mayMatter
}
