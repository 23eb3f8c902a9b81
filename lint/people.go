package lint

import (
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// people is how many principals a message names before it only counts them.
const people = 5

// size counts the principals of classes.
func size(classes []*matrix.Class) int {
	n := 0
	for _, c := range classes {
		n += len(c.Principals)
	}
	return n
}

// names lists the principals of classes: "ian, sally and harry".
func (p *Pass) names(classes []*matrix.Class) string { return p.namesIn(wholly(classes)) }

// isMachine reports whether a principal is an agent or a workload.
func isMachine(who *authz.Principal) bool { return who.Kind != authz.Human }

// rolesHeld lists the roles of the principals, and those that a role policy
// puts above one of them.
func rolesHeld(p *Pass) []string {
	var roles []string
	for _, c := range p.Matrix.Classes {
		roles = append(roles, c.First().Roles...)
	}
	for _, col := range p.Matrix.Columns {
		roles = append(roles, rolesShown(p, col)...)
	}
	return slices.Sorted(slices.Values(p.index.Lineage(roles...)))
}

// rolesShown lists the roles that the principals have in the requests about a column, where
// the enforcement point shows others.
func rolesShown(p *Pass, col *matrix.Column) []string {
	seen := map[string]bool{}
	for _, who := range peopleShown(p, col) {
		for _, role := range who.Roles {
			seen[role] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// peopleShown lists the principals as policies see them in the requests about a column, where
// the enforcement point shows others than are declared.
func peopleShown(p *Pass, col *matrix.Column) []*authz.Principal {
	var list []*authz.Principal
	for _, r := range col.Question.Requests {
		if r.By == nil {
			continue
		}
		for _, c := range p.Matrix.Classes {
			r.Principal = c.First()
			if sent, refusal := r.Sent(); refusal == nil {
				list = append(list, sent.Principal)
			}
		}
	}
	return list
}

// roleSets lists the different sets of roles that principals have.
func roleSets(p *Pass) []string {
	var sets []string
	for _, c := range p.Matrix.Classes {
		roles := slices.Clone(c.First().Roles)
		slices.Sort(roles)
		if set := strings.Join(slices.Compact(roles), "+"); !slices.Contains(sets, set) {
			sets = append(sets, set)
		}
	}
	slices.Sort(sets)
	return sets
}

// onlyAdministrators reports whether principals of classes are all declared administrators.
func (p *Pass) onlyAdministrators(classes []*matrix.Class) bool {
	return len(wholly(classes).where(func(who *authz.Principal) bool { return !p.options.Administrators.has(who) })) == 0
}

// rolesOf lists the roles of classes.
func rolesOf(classes []*matrix.Class) []string {
	var roles []string
	for _, c := range classes {
		roles = append(roles, c.First().Roles...)
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}
