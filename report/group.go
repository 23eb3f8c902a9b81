package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// A group is the principals of one column of a table.
type group struct {
	class      *matrix.Class // one of its classes
	principals []*authz.Principal
	everyone   bool // nobody is in another group, or left out
}

// manyNames is how many principals of a group are called by their names.
const manyNames = 3

// heads returns what a group is called, in lines: names and the roles below
// them, or for many principals each combination of roles and how often it
// occurs.
func (g *group) heads(times string) (who, roles []string) {
	if len(g.principals) <= manyNames {
		for _, p := range g.principals {
			who = append(who, p.Key)
			if r := rolesOf(p); !slices.Contains(roles, r) {
				roles = append(roles, r)
			}
		}
		return who, roles
	}
	if g.everyone {
		return []string{"everyone " + times + strconv.Itoa(len(g.principals))}, nil
	}
	sets := g.roleSets()
	for i, s := range sets {
		if i == manyNames-1 && len(sets) > manyNames {
			rest := 0
			for _, s := range sets[i:] {
				rest += s.n
			}
			return append(who, "others "+times+strconv.Itoa(rest)), nil
		}
		who = append(who, s.roles+" "+times+strconv.Itoa(s.n))
	}
	return who, nil
}

// A roleSet is a combination of roles and how many principals have it.
type roleSet struct {
	roles string
	n     int
}

// roleSets counts the combinations of roles in a group, the most frequent
// first.
func (g *group) roleSets() []roleSet {
	var sets []roleSet
	index := map[string]int{}
	for _, p := range g.principals {
		r := rolesOf(p)
		i, ok := index[r]
		if !ok {
			i = len(sets)
			index[r] = i
			sets = append(sets, roleSet{roles: r})
		}
		sets[i].n++
	}
	slices.SortStableFunc(sets, func(a, b roleSet) int { return cmp.Or(b.n-a.n, strings.Compare(a.roles, b.roles)) })
	return sets
}

func rolesOf(p *authz.Principal) string {
	if len(p.Roles) == 0 {
		return "no roles"
	}
	return strings.Join(p.Roles, "+")
}
