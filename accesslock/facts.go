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
	patterns []*fact // of single roles
	several  []*fact // of several roles
}

func newFacts() *facts { return &facts{said: map[string]*fact{}} }

func (f *facts) say(x *fact) {
	f.said[x.who.key()] = x
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
	plain := who{roles: w.roles, id: w.id}
	switch {
	case w.scope != "" || w.policyVersion != "":
		return f.of(&plain)
	case w.id != "" && w.isAnybody():
		return f.of(&who{roles: w.roles})
	case w.id != "":
		list := []*who{{roles: w.roles}}
		if anybody := (&who{roles: []role{{anyRole, w.roles[0].example}}, id: w.id}); f.said[anybody.key()] != nil {
			list = append(list, anybody)
		}
		return f.any(list)
	case len(w.roles) > 1:
		return f.any(f.parts(w))
	case w.isAnybody():
		return Value{}, nil // denied
	}
	if list := f.matching(w.roles[0]); len(list) > 0 {
		return f.any(list)
	}
	return f.of(&who{roles: []role{{anyRole, w.roles[0].example}}})
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
	var list []*who
	var within []string
	for _, x := range f.several {
		if x.who.id != "" || x.who.scope != "" || x.who.policyVersion != "" || !subset(x.who.names(), w.names()) || len(x.who.roles) >= len(w.roles) {
			continue
		}
		if slices.ContainsFunc(f.several, func(y *fact) bool {
			return len(y.who.roles) > len(x.who.roles) && len(y.who.roles) < len(w.roles) && y.who.id+y.who.scope+y.who.policyVersion == "" &&
				subset(y.who.names(), w.names()) && subset(x.who.names(), y.who.names())
		}) {
			continue
		}
		list = append(list, x.who)
		within = append(within, x.who.names()...)
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
func (f *facts) matching(r role) []*who {
	most := 0
	var list []*who
	for _, x := range f.patterns {
		of := x.who.roles[0].patterns()
		if x.who.id+x.who.scope+x.who.policyVersion != "" || x.who.roles[0].name == r.name || !matchesAll(of, r.example) || len(of) < most {
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
