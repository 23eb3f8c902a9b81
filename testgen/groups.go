package testgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// mostNamed is how many principals a test lists by their keys, unless a group or a role
// says who they are.
const mostNamed = 12

// A group is the principals who have the same access to a server, but for what conditions
// look at.
type group struct {
	classes    []*matrix.Class
	principals []*authz.Principal // sorted by their keys
	label      string             // what it is called
}

// groups divides the principals by their access to a server.
func (g *generator) groups(columns []*matrix.Column) []*group {
	var list []*group
	byAccess := map[string]*group{}
	for _, c := range g.Matrix.Classes {
		var key strings.Builder
		for _, col := range columns {
			key.WriteString(g.Matrix.Cell(c, col).Access.String() + " ")
		}
		of := byAccess[key.String()]
		if of == nil {
			of = &group{}
			byAccess[key.String()] = of
			list = append(list, of)
		}
		of.classes = append(of.classes, c)
		of.principals = append(of.principals, c.Principals...)
	}
	labels := map[string]int{}
	for _, of := range list {
		slices.SortFunc(of.principals, func(a, b *authz.Principal) int { return strings.Compare(a.Key, b.Key) })
		of.label = rolesOf(of.principals)
		labels[of.label]++
	}
	for _, of := range list {
		if labels[of.label] > 1 {
			of.label = fmt.Sprintf("%s (%s)", of.label, keysOf(of.principals, 3))
		}
	}
	return list
}

// rolesOf says which roles principals have.
func rolesOf(list []*authz.Principal) string {
	var sets []string
	for _, p := range list {
		roles := slices.Clone(p.Roles)
		slices.Sort(roles)
		text := strings.Join(roles, "+")
		if !slices.Contains(sets, text) {
			if sets = append(sets, text); len(sets) > 4 {
				return strings.Join(sets[:3], ", ") + " and others"
			}
		}
	}
	return strings.Join(sets, ", ")
}

// keysOf lists the first of the keys of principals.
func keysOf(list []*authz.Principal, most int) string {
	var keys []string
	for i, p := range list {
		if i == most {
			return fmt.Sprintf("%s and %d more", strings.Join(keys, ", "), len(list)-most)
		}
		keys = append(keys, p.Key)
	}
	return strings.Join(keys, ", ")
}

// whom returns how a test names principals, and a note where it names only some of them.
func (g *generator) whom(list []*authz.Principal) (who principals, note string) {
	keys := make([]string, len(list))
	for i, p := range list {
		keys[i] = p.Key
	}
	if len(keys) > 1 {
		for _, name := range g.groupNames {
			if slices.Equal(g.members[name], keys) && !g.isKey("@"+name) {
				return principals{names: []string{"@" + name}}, ""
			}
		}
	}
	if len(keys) <= mostNamed {
		return principals{names: keys}, ""
	}
	for _, role := range ordered.Distinct(list[0].Roles) {
		if g.holders[role] == len(list) && !slices.ContainsFunc(list, func(p *authz.Principal) bool { return !slices.Contains(p.Roles, role) }) {
			return principals{role: role}, ""
		}
	}
	return principals{names: keys[:mostNamed]}, fmt.Sprintf("and %d more with the same access", len(keys)-mostNamed)
}

func (g *generator) isKey(key string) bool { return g.Matrix.ClassOf(key) != nil }
