package tables

import (
	"cmp"
	"slices"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
)

// conditionalActions are the actions that rows with conditions may be about, and
// the roles that such rows are for. It need not be exact: what it takes for an action
// without conditions is found out to have some when the engine is asked.
type conditionalActions struct {
	of    *Set
	roles map[versionedAction]map[string]bool
}

// A versionedAction is an action, "*" for any, and the version of the policy that rows
// about it are of.
type versionedAction struct{ version, action string }

// mayMatter reports whether a condition may matter to an action of a principal, of a resource
// of a version.
func (c *conditionalActions) mayMatter(p *enginev1.Principal, version, action string) bool {
	for _, action := range []string{"*", action} {
		of := c.roles[versionedAction{version, action}]
		if of["*"] || len(of) > 0 && slices.ContainsFunc(p.Roles, func(role string) bool {
			return slices.ContainsFunc(c.of.Lineage(role), func(r string) bool { return of[r] })
		}) {
			return true
		}
	}
	return false
}

// MayMatter returns what reports whether a condition may matter to an action of a
// principal, of a resource of a version, if others are of one. It errs on the side of too many: a glob may be
// about any action.
func (t *Set) MayMatter(defaultVersion string) func(p *enginev1.Principal, version, action string) bool {
	c := &conditionalActions{of: t, roles: map[versionedAction]map[string]bool{}}
	for _, row := range t.Rows {
		if row.Condition == nil && row.DerivedRoleCondition == nil {
			continue
		}
		at := versionedAction{row.Version, row.GetAction()}
		if row.GetAllowActions() != nil || strings.Contains(at.action, "*") {
			at.action = "*"
		}
		if c.roles[at] == nil {
			c.roles[at] = map[string]bool{}
		}
		c.roles[at][row.Role] = true
	}
	return func(p *enginev1.Principal, version, action string) bool {
		return c.mayMatter(p, cmp.Or(version, defaultVersion, DefaultVersion), action)
	}
}

// DefaultVersion is the version of requests that name none, where no option says another.
const DefaultVersion = "default"

// Lineage lists a role and the roles that role policies of any scope name as its parents,
// and theirs: those whose rows may be for it.
func (t *Set) Lineage(role string) []string {
	if known := t.lineages[role]; known != nil {
		return known
	}
	return []string{role}
}

// readLineages notes the lineage of each role that has parents.
func (t *Set) readLineages() {
	parents := map[string][]string{}
	for _, of := range t.Base.ScopeParentRoles {
		for role, list := range of.GetRoleParentRoles() {
			parents[role] = append(parents[role], list.GetRoles()...)
		}
	}
	t.lineages = map[string][]string{}
	for role := range parents {
		list := []string{role}
		for i := 0; i < len(list); i++ {
			for _, parent := range parents[list[i]] {
				if !slices.Contains(list, parent) {
					list = append(list, parent)
				}
			}
		}
		t.lineages[role] = list
	}
}
