package lint

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// people is how many principals a message names before it only counts them.
const people = 5

// standIn returns the principal that is named where one is enough.
func (p *Pass) standIn(c *matrix.Class) *authz.Principal { return c.First() }

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

// only returns the key of the principal of classes, if it is one.
func (p *Pass) only(classes []*matrix.Class) string {
	if size(classes) != 1 {
		return ""
	}
	return p.standIn(classes[0]).Key
}

// classesOf returns the classes that principals stand for, by their keys.
func (p *Pass) classesOf(keys []string) []*matrix.Class {
	var list []*matrix.Class
	for _, key := range keys {
		if c := p.Matrix.ClassOf(key); c != nil {
			list = append(list, c)
		}
	}
	return list
}

// machines returns the principals of a class that are agents or workloads.
func (p *Pass) machines(c *matrix.Class) []*authz.Principal {
	return filter(c.Principals, func(who *authz.Principal) bool { return who.Kind != authz.Human })
}

// except returns the principals of a class that are no administrators.
func (p *Pass) except(c *matrix.Class, a *Administrators) []*authz.Principal {
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
func (p *Pass) rolesHeld() []string {
	held := map[string]bool{}
	for _, c := range p.Matrix.Classes {
		p.addRoles(held, p.standIn(c).Roles)
	}
	return slices.Sorted(maps.Keys(held))
}

// manyPrincipals is how many principals a finding lists by name.
const manyPrincipals = 1000

// keys lists the principals that a draft is about.
func (p *Pass) keys(d *draft) []string {
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
				list = append(list, p.standIn(c).Key)
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

// addRoles adds roles, and those that role policies put above them.
func (p *Pass) addRoles(held map[string]bool, roles []string) {
	for _, role := range roles {
		if held[role] {
			continue
		}
		held[role] = true
		for _, x := range p.rolePolicies[role] {
			p.addRoles(held, values(x.ParentRoles))
		}
	}
}

// roleSets lists the different sets of roles that principals have.
func (p *Pass) roleSets() []string {
	var sets []string
	for _, c := range p.Matrix.Classes {
		roles := slices.Clone(p.standIn(c).Roles)
		slices.Sort(roles)
		if set := strings.Join(slices.Compact(roles), "+"); !slices.Contains(sets, set) {
			sets = append(sets, set)
		}
	}
	slices.Sort(sets)
	return sets
}
