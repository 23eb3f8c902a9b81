package accesslock

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
)

// lines returns a line for each different access to an item, for all operations and for all
// whose access it is.
func lines(of []*columnSet) []Access {
	var list []Access
	index := map[string]int{}
	for _, op := range of {
		for _, a := range op.lines() {
			var by []string
			for _, roles := range a.By {
				by = append(by, strings.Join(roles, "\x00"))
			}
			key := strings.Join(append([]string{a.ID, a.Scope, a.PolicyVersion, a.Value.key()}, by...), "\x01")
			if i, known := index[key]; known {
				list[i].Operations = append(list[i].Operations, op.ref.operation)
				continue
			}
			index[key] = len(list)
			list = append(list, a)
		}
	}
	return list
}

// lines returns a line for each different access by one operation.
func (of *columnSet) lines() []Access {
	var list []Access
	index := map[string]int{}
	for _, x := range of.facts.said {
		w := x.who
		key := strings.Join([]string{w.id, w.scope, w.policyVersion, x.value.key()}, "\x01")
		i, known := index[key]
		if !known {
			i = len(list)
			index[key] = i
			list = append(list, Access{
				Ref: of.ref.Ref, Operations: []authz.Operation{of.ref.operation}, ID: w.id, Scope: w.scope, PolicyVersion: w.policyVersion, Value: x.value,
			})
		}
		list[i].By = append(list[i].By, w.names())
	}
	for i := range list {
		slices.SortFunc(list[i].By, compareSets)
	}
	return list
}

// compareSets orders sets of roles, "*" last.
func compareSets(a, b []string) int { return slices.CompareFunc(a, b, compareRoles) }

// unknown returns a line for each reason why roles do not tell everybody apart.
func (b *builder) unknown(of []*columnSet) ([]Unknown, error) {
	var list []Unknown
	for _, op := range of {
		if len(op.open) == 0 {
			continue
		}
		depends, err := b.deciding(op)
		if err != nil {
			return nil, err
		}
		because := strings.Join(op.open, "; ")
		if i := slices.IndexFunc(list, func(u Unknown) bool { return u.Because == because && u.Depends == depends }); i >= 0 {
			list[i].Operations = append(list[i].Operations, op.ref.operation)
			continue
		}
		list = append(list, Unknown{Ref: op.ref.Ref, Operations: []authz.Operation{op.ref.operation}, Because: because, Depends: depends})
	}
	return list, nil
}

// kinds returns which kinds of principals are declared with which of the roles that the
// lines name: one by one, and several at once where a line is about these.
func (b *builder) kinds(access []Access) []Holding {
	named := newFacts()
	for i := range access {
		for _, roles := range access[i].By {
			w := withRoles(roles)
			if named.said[w.key()] == nil {
				named.say(&fact{who: w})
			}
			for _, r := range w.roles {
				if one := w.with(r); named.said[one.key()] == nil {
					named.say(&fact{who: one})
				}
			}
		}
	}
	index := map[string]bool{}
	var list []Holding
	add := func(p *authz.Principal, roles []string) {
		h := Holding{Pos: p.Pos, Kind: p.Kind, Roles: roles}
		if !index[h.key()] {
			index[h.key()] = true
			list = append(list, h)
		}
	}
	for p := range b.Matrix.Principals() {
		held := named.held(p.Roles)
		for _, name := range held {
			if name != anyRole {
				add(p, []string{name})
			}
		}
		for _, x := range named.several {
			if subset(x.who.names(), held) {
				add(p, x.who.names())
			}
		}
	}
	return list
}

// held returns the names under which roles are spoken of.
func (f *facts) held(list []string) []string {
	var names []string
	for _, r := range list {
		one := role{r, r}
		if f.said[(&who{roles: []role{one}}).key()] != nil {
			names = append(names, r)
			continue
		}
		matching := f.matching(&who{roles: []role{one}})
		for _, w := range matching {
			names = append(names, w.roles[0].name)
		}
		if len(matching) == 0 {
			names = append(names, anyRole)
		}
	}
	return names
}
