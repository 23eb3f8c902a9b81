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
	kind       authz.Kind    // of its principals; of no meaning where it is everyone
	principals []*authz.Principal
	everyone   bool // all that there are, and too many to name
}

const (
	manyNames  = 3  // more principals are called by a few of their names in a sentence
	headNames  = 6  // more principals of a group are counted above its column, and named below the table
	manyListed = 40 // more of one group are named only for Options.All
)

// kinds are in the order that groups stand in.
var kinds = []authz.Kind{authz.Agent, authz.Human, authz.Workload}

func kindName(k authz.Kind) string {
	return [...]string{authz.Human: "people", authz.Workload: "workloads", authz.Agent: "agents"}[k]
}

// A roleSet is a combination of roles and the principals that have it.
type roleSet struct {
	roles string
	names []string
}

// roleSets returns the combinations of roles in a group, the most frequent
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
		sets[i].names = append(sets[i].names, p.Key)
	}
	slices.SortStableFunc(sets, func(a, b roleSet) int {
		return cmp.Or(len(b.names)-len(a.names), strings.Compare(a.roles, b.roles))
	})
	return sets
}

// counted says how often each combination of roles occurs, of at most so many of
// them. One that is alone is not counted.
func counted(sets []roleSet, most int, times string) []string {
	if len(sets) == 1 {
		return []string{sets[0].roles}
	}
	var list []string
	for i, s := range sets {
		if i == most-1 && len(sets) > most {
			rest := 0
			for _, s := range sets[i:] {
				rest += len(s.names)
			}
			return append(list, "others "+times+strconv.Itoa(rest))
		}
		list = append(list, s.roles+" "+times+strconv.Itoa(len(s.names)))
	}
	return list
}

// members names the principals of a group by their roles. More than manyListed are
// counted, unless all are wanted.
func (g *group) members(all bool, times string) (words string, named bool) {
	sets := g.roleSets()
	if len(g.principals) > manyListed && !all {
		return strings.Join(counted(sets, len(sets), times), ", "), false
	}
	parts := make([]string, len(sets))
	for i, s := range sets {
		parts[i] = s.roles + ": " + strings.Join(s.names, ", ")
	}
	return strings.Join(parts, "; "), true
}

func rolesOf(p *authz.Principal) string {
	if len(p.Roles) == 0 {
		return "no roles"
	}
	return strings.Join(p.Roles, "+")
}

// shared says how the columns come about where they are not the classes.
func (v *view) shared() string {
	var why []string
	if v.different < v.classes {
		why = append(why, "classes with equal access share one")
	}
	if len(v.groups) > v.different {
		why = append(why, list(v.kindNames())+" apart")
	}
	switch {
	case len(why) == 0:
		return ""
	case len(v.groups) == 1:
		return "; 1 column: all have the same access"
	}
	return "; " + count(len(v.groups), "column") + ": " + strings.Join(why, ", ")
}

// kindNames are those of the kinds that there is a column of.
func (v *view) kindNames() []string {
	var names []string
	for _, k := range kinds {
		if slices.ContainsFunc(v.groups, func(g *group) bool { return g.kind == k }) {
			names = append(names, kindName(k))
		}
	}
	return names
}

// told reports whether columns say which kind of principals they are of: not where
// all are people, nor where one is of everyone.
func (v *view) told() bool {
	return slices.ContainsFunc(v.groups, func(g *group) bool { return !g.everyone && g.kind != authz.Human })
}

// largest returns at most so many groups, in their order: of each kind its share, and
// of those the ones with the most principals.
func (v *view) largest(most int) []*group {
	if len(v.groups) <= most {
		return v.groups
	}
	byKind := map[authz.Kind][]*group{}
	for _, g := range v.groups {
		byKind[g.kind] = append(byKind[g.kind], g)
	}
	chosen := map[*group]bool{}
	for _, k := range kinds {
		slices.SortStableFunc(byKind[k], func(a, b *group) int { return len(b.principals) - len(a.principals) })
	}
	for len(chosen) < most {
		for _, k := range kinds {
			if of := byKind[k]; len(of) > 0 && len(chosen) < most {
				chosen[of[0]], byKind[k] = true, of[1:]
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(v.groups), func(g *group) bool { return !chosen[g] })
}

// leftOut says what columns are not shown, or is "".
func (v *view) leftOut(shown []*group) string {
	if len(shown) == len(v.groups) {
		return ""
	}
	people := v.principals
	for _, g := range shown {
		people -= len(g.principals)
	}
	return count(len(v.groups)-len(shown), "more column") + " not shown, of " + count(people, "principal") +
		": those with the most are; --all shows them, --principal and --role choose some, --summary has numbers by role"
}
