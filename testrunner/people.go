package testrunner

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// people finds principals of the matrix by what suites say about them.
type people struct {
	matrix *matrix.Matrix
	keys   []string // of all principals, class by class
	list   []*authz.Principal
	byKey  map[string]*authz.Principal
	roles  []string                   // that anybody has, sorted
	groups map[string]map[string]bool // keys by group
	names  []string                   // of the groups, sorted
	only   map[*authz.Principal]bool  // those that a filter leaves; nil for all
}

// A cast is the selected principals of one class.
type cast struct {
	class      *matrix.Class
	principals []*authz.Principal
}

func newPeople(m *matrix.Matrix, groups map[string][]string) *people {
	p := &people{matrix: m, byKey: map[string]*authz.Principal{}, groups: map[string]map[string]bool{}}
	roles := map[string]bool{}
	for one := range m.Principals() {
		p.list, p.keys = append(p.list, one), append(p.keys, one.Key)
		p.byKey[one.Key] = one
		for _, r := range one.Roles {
			roles[r] = true
		}
		if groups == nil {
			for _, g := range one.Groups {
				p.addToGroup(g, one.Key)
			}
		}
	}
	for g, keys := range groups {
		for _, k := range keys {
			p.addToGroup(g, k)
		}
	}
	p.roles = slices.Sorted(maps.Keys(roles))
	p.names = slices.Sorted(maps.Keys(p.groups))
	return p
}

func (p *people) addToGroup(group, key string) {
	if p.groups[group] == nil {
		p.groups[group] = map[string]bool{}
	}
	p.groups[group][key] = true
}

// find returns whom a test is about, by class. All mistakes are reported; a
// selection of nobody is one.
func (p *people) find(of *Principals) ([]cast, error) {
	if of.Selector == nil {
		list, err := p.named(of.Names)
		return p.byClass(list), err
	}
	casts, err := p.selected(of.Selector)
	if err == nil && len(casts) == 0 {
		err = source.Errorf(of.Pos, "the selector selects no principal")
	}
	return p.filtered(casts), err
}

// named returns the principals of a list of names, each once, in its order.
func (p *people) named(names Names) ([]*authz.Principal, error) {
	var list []*authz.Principal
	var errs []error
	seen := map[*authz.Principal]bool{}
	for _, name := range names {
		some, err := p.name(name.Text)
		if err != nil {
			errs = append(errs, source.Errorf(name.Pos, "%w", err))
		}
		for _, one := range some {
			if !seen[one] {
				seen[one] = true
				list = append(list, one)
			}
		}
	}
	return list, errors.Join(errs...)
}

// name returns the principals of a key, a @group or a pattern of either.
func (p *people) name(text string) ([]*authz.Principal, error) {
	if one := p.byKey[text]; one != nil {
		return []*authz.Principal{one}, nil
	}
	var list []*authz.Principal
	if group, ok := strings.CutPrefix(text, "@"); ok {
		groups, err := expand(Names{{Text: group}}, "group", "", p.names)
		if err != nil {
			return nil, err
		}
		members := p.members(groups)
		for _, one := range p.list {
			if members[one.Key] {
				list = append(list, one)
			}
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("no principal is in group %q", group)
		}
		return list, nil
	}
	at, err := find(text, p.keys)
	for _, i := range at {
		list = append(list, p.list[i])
	}
	if err == nil && len(list) == 0 {
		candidates := make([]string, 0, len(p.names)+len(p.keys))
		for _, g := range p.names {
			candidates = append(candidates, "@"+g)
		}
		err = notFound("principal", "", text, append(candidates, p.keys...))
	}
	return list, err
}

// members returns the keys of all who are in one of the groups.
func (p *people) members(groups map[string]bool) map[string]bool {
	all := map[string]bool{}
	for g := range groups {
		maps.Copy(all, p.groups[g])
	}
	return all
}

// byClass sorts principals into their classes, in the order of their first.
func (p *people) byClass(list []*authz.Principal) []cast {
	var casts []cast
	at := map[*matrix.Class]int{}
	for _, one := range list {
		if p.only != nil && !p.only[one] {
			continue
		}
		class := p.matrix.ClassOf(one.Key)
		i, ok := at[class]
		if !ok {
			i = len(casts)
			at[class] = i
			casts = append(casts, cast{class: class})
		}
		casts[i].principals = append(casts[i].principals, one)
	}
	return casts
}

// filtered leaves those that the filter does.
func (p *people) filtered(casts []cast) []cast {
	if p.only == nil {
		return casts
	}
	var list []*authz.Principal
	for _, c := range casts {
		list = append(list, c.principals...)
	}
	return p.byClass(list)
}

func (p *people) selected(s *PrincipalSelector) ([]cast, error) {
	meets, err := p.predicate(s)
	if err != nil {
		return nil, err
	}
	var casts []cast
	for _, class := range p.matrix.Classes {
		var list []*authz.Principal
		for _, one := range class.Principals {
			if meets(one) {
				list = append(list, one)
			}
		}
		switch len(list) {
		case 0:
			continue
		case len(class.Principals):
			list = class.Principals // shared: a class may be large
		}
		casts = append(casts, cast{class, list})
	}
	return casts, nil
}

// predicate returns what tells whether a principal meets the selector. It is
// of no use if there is an error.
func (p *people) predicate(s *PrincipalSelector) (func(*authz.Principal) bool, error) {
	var errs []error
	var all []func(*authz.Principal) bool
	if len(s.Keys) > 0 {
		keys, err := expand(s.Keys, "principal", "", p.keys)
		errs = append(errs, err)
		all = append(all, func(one *authz.Principal) bool { return keys[one.Key] })
	}
	if len(s.Roles) > 0 {
		roles, err := expand(s.Roles, "role", " that any principal has", p.roles)
		errs = append(errs, err)
		all = append(all, func(one *authz.Principal) bool {
			return slices.ContainsFunc(one.Roles, func(r string) bool { return roles[r] })
		})
	}
	if len(s.Groups) > 0 {
		groups, err := expand(s.Groups, "group", "", p.names)
		errs = append(errs, err)
		members := p.members(groups)
		all = append(all, func(one *authz.Principal) bool { return members[one.Key] })
	}
	if len(s.Kinds) > 0 {
		all = append(all, func(one *authz.Principal) bool { return slices.Contains(s.Kinds, one.Kind) })
	}
	if s.Not != nil {
		not, err := p.predicate(s.Not)
		errs = append(errs, err)
		all = append(all, func(one *authz.Principal) bool { return !not(one) })
	}
	return func(one *authz.Principal) bool {
		for _, meets := range all {
			if !meets(one) {
				return false
			}
		}
		return true
	}, errors.Join(errs...)
}
