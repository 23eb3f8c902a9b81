package accesslock

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// anyRole stands for each role that is not named.
const anyRole = "*"

// patternsJoined stands between the patterns of which a role matches each.
const patternsJoined = " & "

// A role is one as the lock names it, and an example of it.
type role struct {
	name    string // as policies do: a role, patterns that it matches all of, or "*"
	example string
}

// patterns returns the patterns of which the role matches each; none of one that is named.
func (r role) patterns() []string {
	if r.name == anyRole || !policy.IsGlob(r.name) {
		return nil
	}
	return strings.Split(r.name, patternsJoined)
}

func matchesAll(patterns []string, role string) bool {
	return !slices.ContainsFunc(patterns, func(p string) bool { ok, err := policy.MatchRole(p, role); return !ok || err != nil })
}

// A who is everybody with some roles at once, and with an id, scope and policy version
// where these are said.
type who struct {
	roles                    []role // sorted by name, "*" last
	id, scope, policyVersion string
}

func (w *who) names() []string {
	list := make([]string, len(w.roles))
	for i, r := range w.roles {
		list[i] = r.name
	}
	return list
}

func (w *who) key() string {
	return strings.Join(append([]string{w.scope, w.policyVersion, w.id}, w.names()...), "\x00")
}

// with returns those of other roles.
func (w *who) with(roles ...role) *who {
	other := *w
	other.roles = roles
	return &other
}

func (w *who) isAnybody() bool { return len(w.roles) == 1 && w.roles[0].name == anyRole }

// holds reports whether whoever w is, is one of others, too: with no more roles, and with
// no id unless it is the same.
func (w *who) holds(others *who) bool {
	if others.scope != w.scope || others.policyVersion != w.policyVersion || others.id != "" && others.id != w.id {
		return false
	}
	return others.isAnybody() || !slices.ContainsFunc(others.roles, func(r role) bool {
		return !slices.ContainsFunc(w.roles, func(x role) bool { return x.name == r.name })
	})
}

// compare orders those on whom what is said of others does not depend first.
func (w *who) compare(o *who) int {
	said := func(w *who) int {
		n := 0
		for _, s := range []string{w.scope, w.policyVersion, w.id} {
			n *= 2
			if s != "" {
				n++
			}
		}
		return n
	}
	kind := func(w *who) int { // "*" before patterns before names
		if w.isAnybody() {
			return -1
		}
		if n := len(w.roles[0].patterns()); n > 0 {
			return n
		}
		return 1 << 30
	}
	return cmp.Or(cmp.Compare(said(w), said(o)), cmp.Compare(len(w.roles), len(o.roles)), cmp.Compare(kind(w), kind(o)), cmp.Compare(w.key(), o.key()))
}

// A fact is what is said of some.
type fact struct {
	who   *who
	value Value
	pos   source.Pos // of the line
}

// facts are what is said of one operation on an item. What is not said follows:
// whoever has several roles may what each of them may, a role may what "*" may unless it
// is named or matches a pattern that is, and an id, a scope and a policy version change
// nothing.
type facts struct {
	said     map[string]*fact
	patterns []*fact         // of single roles
	several  []*fact         // of several roles
	names    map[string]role // of all roles that are spoken of
}

func newFacts() *facts { return &facts{said: map[string]*fact{}, names: map[string]role{}} }

func (f *facts) say(x *fact) {
	f.said[x.who.key()] = x
	for _, r := range x.who.roles {
		f.names[r.name] = r
	}
	switch {
	case len(x.who.roles) > 1:
		f.several = append(f.several, x)
	case len(x.who.roles[0].patterns()) > 0:
		f.patterns = append(f.patterns, x)
	}
}

// of returns what some may, and the lines that say so.
func (f *facts) of(w *who) (Value, []*fact) {
	if x := f.said[w.key()]; x != nil {
		return x.value, []*fact{x}
	}
	plain := &who{roles: w.roles}
	anybody := w.with(role{anyRole, w.roles[0].example})
	switch {
	case len(w.roles) > 1:
		if known := f.known(w); known != nil {
			return f.of(known)
		}
		if x := f.said[plain.key()]; x == nil {
			return f.any(f.parts(w))
		}
	case w.isAnybody() && !w.isTagged():
		return Value{}, nil // denied
	default:
		if list := f.matching(w); len(list) > 0 {
			return f.any(list)
		}
	}
	switch {
	case !w.isTagged():
		return f.of(anybody)
	case f.said[anybody.key()] != nil:
		return f.any([]*who{plain, anybody})
	}
	return f.of(plain)
}

// isTagged reports whether some have more than roles.
func (w *who) isTagged() bool { return w.id+w.scope+w.policyVersion != "" }

// sameTag reports whether two have the same id, scope and policy version.
func (w *who) sameTag(o *who) bool {
	return w.id == o.id && w.scope == o.scope && w.policyVersion == o.policyVersion
}

// known returns some with their roles as they are spoken of: a role that is not is one of
// a pattern, or any other. It is nil if that changes nothing.
func (f *facts) known(w *who) *who {
	var list []role
	for _, r := range w.roles {
		if _, spoken := f.names[r.name]; !spoken {
			best := role{anyRole, r.example}
			for _, x := range f.names {
				if of := x.patterns(); matchesAll(of, r.example) && len(of) > 0 && (len(of) > len(best.patterns()) || len(of) == len(best.patterns()) && x.name < best.name) {
					best = role{x.name, r.example}
				}
			}
			r = best
		}
		if !slices.ContainsFunc(list, func(x role) bool { return x.name == r.name }) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b role) int { return compareRoles(a.name, b.name) })
	if slices.EqualFunc(list, w.roles, func(a, b role) bool { return a.name == b.name }) {
		return nil
	}
	return w.with(list...)
}

func (f *facts) any(list []*who) (v Value, lines []*fact) {
	for i, w := range list {
		of, from := f.of(w)
		if i == 0 {
			v = of
		} else {
			v = v.or(of)
		}
		lines = append(lines, from...)
	}
	return v, ordered.Distinct(lines)
}

// parts returns the largest sets of some's roles of which something is said, and each role
// that is in none of them.
func (f *facts) parts(w *who) []*who {
	var sets [][]role
	for _, x := range f.several {
		if (!x.who.isTagged() || x.who.sameTag(w)) && len(x.who.roles) < len(w.roles) && subset(x.who.names(), w.names()) {
			sets = append(sets, x.who.roles)
		}
	}
	names := func(roles []role) []string { return (&who{roles: roles}).names() }
	var list []*who
	var within []string
	for _, roles := range sets {
		larger := slices.ContainsFunc(sets, func(o []role) bool { return len(o) > len(roles) && subset(names(roles), names(o)) })
		one := w.with(roles...)
		if larger || slices.ContainsFunc(list, func(o *who) bool { return o.key() == one.key() }) {
			continue
		}
		list = append(list, one)
		within = append(within, one.names()...)
	}
	for i, r := range w.roles {
		if !slices.Contains(within, r.name) && (i == 0 || w.roles[i-1].name != r.name) {
			list = append(list, w.with(r))
		}
	}
	return list
}

// subset reports whether all of a list are of another, as often.
func subset(a, b []string) bool {
	b = slices.Clone(b)
	for _, x := range a {
		i := slices.Index(b, x)
		if i < 0 {
			return false
		}
		b = slices.Delete(b, i, i+1)
	}
	return true
}

// matching returns the patterns that a role matches, those that say most about it.
func (f *facts) matching(w *who) []*who {
	most := 0
	var list []*who
	r := w.roles[0]
	for _, x := range f.patterns {
		of := x.who.roles[0].patterns()
		if !x.who.sameTag(w) || x.who.roles[0].name == r.name || !matchesAll(of, r.example) || len(of) < most {
			continue
		}
		if len(of) > most {
			most, list = len(of), nil
		}
		list = append(list, x.who)
	}
	return list
}

// An operationRef names an operation on an item.
type operationRef struct {
	Ref
	operation authz.Operation
}

// facts returns what a lock says of each operation on each item.
func (l *Lock) facts() map[operationRef]*facts {
	all := map[operationRef]*facts{}
	for i := range l.Access {
		a := &l.Access[i]
		for _, o := range a.Operations {
			key := operationRef{a.Ref, o}
			if all[key] == nil {
				all[key] = newFacts()
			}
			for _, names := range a.By {
				w := withRoles(names)
				w.id, w.scope, w.policyVersion = a.ID, a.Scope, a.PolicyVersion
				all[key].say(&fact{who: w, value: a.Value, pos: a.Pos})
			}
		}
	}
	return all
}

// exampleOf returns a role of a name, with an example that has to be tried where there
// are patterns.
func exampleOf(name string) role {
	r := role{name, name}
	switch {
	case name == anyRole:
		r.example = otherRole(0)
	case policy.IsGlob(name):
		for _, p := range r.patterns() {
			r.example = strings.NewReplacer("**", "any", "*", "any", "?", "x").Replace(p)
			if matchesAll(r.patterns(), r.example) {
				break
			}
		}
	}
	return r
}
