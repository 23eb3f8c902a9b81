package lint

import (
	"slices"
	"strconv"
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
func (p *Pass) names(classes []*matrix.Class) string {
	n := size(classes)
	if n > people+1 && len(classes) == len(p.Matrix.Classes) {
		return "all " + strconv.Itoa(n) + " principals"
	}
	var words []string
	for _, c := range classes {
		for _, one := range c.Principals[:min(len(c.Principals), people+1)] { // they are sorted
			words = append(words, one.Key)
		}
	}
	slices.Sort(words)
	return listingOf(words[:min(len(words), people+1)], n, people)
}

// onlyPrincipal returns the key of the principal of classes, if it is one.
func onlyPrincipal(classes []*matrix.Class) string {
	if size(classes) != 1 {
		return ""
	}
	return classes[0].First().Key
}

// classesOf returns the classes that principals stand for, by their keys.
func classesOf(p *Pass, keys []string) []*matrix.Class {
	var list []*matrix.Class
	for _, key := range keys {
		if c := p.Matrix.ClassOf(key); c != nil {
			list = append(list, c)
		}
	}
	return list
}

// machinesOf returns the principals of a class that are agents or workloads.
func machinesOf(c *matrix.Class) []*authz.Principal {
	return filter(c.Principals, func(who *authz.Principal) bool { return who.Kind != authz.Human })
}

// except returns the principals of a class that are no administrators.
func except(c *matrix.Class, a *Administrators) []*authz.Principal {
	return filter(c.Principals, func(who *authz.Principal) bool { return !a.has(who) })
}

// namesOf lists principals.
func namesOf(list []*authz.Principal) string {
	words := make([]string, len(list))
	for i, one := range list {
		words[i] = one.Key
	}
	slices.Sort(words)
	return listingOf(words[:min(len(words), people+1)], len(words), people)
}

// rolesHeld lists the roles of the principals, and those that a role policy
// puts above one of them.
func rolesHeld(p *Pass) []string {
	var roles []string
	for _, c := range p.Matrix.Classes {
		roles = append(roles, c.First().Roles...)
	}
	return slices.Sorted(slices.Values(p.index.Lineage(roles...)))
}

// manyPrincipals is how many principals a finding lists by name.
const manyPrincipals = 1000

// principalsOf lists the principals that a draft is about.
func principalsOf(d *draft) []string {
	var list []string
	switch whom := d.whom; {
	case d.Principal != "":
		return []string{d.Principal}
	case len(whom) > 0:
		for _, one := range whom[:min(len(whom), manyPrincipals)] {
			list = append(list, one.Key)
		}
	default:
		each := size(d.who) <= manyPrincipals
		for _, c := range d.who {
			if !each {
				list = append(list, c.First().Key)
				continue
			}
			for _, one := range c.Principals {
				list = append(list, one.Key)
			}
		}
	}
	slices.Sort(list)
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
