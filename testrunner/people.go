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
	keys   *index // of all principals, class by class
	list   []*authz.Principal
	byKey  map[string]*authz.Principal
	roles  *index                     // that anybody has, sorted
	groups map[string]map[string]bool // keys by group
	names  *index                     // of the groups, sorted
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
	var keys []string
	for one := range m.Principals() {
		p.list, keys = append(p.list, one), append(keys, one.Key)
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
	p.keys = newIndex(keys)
	p.roles = newIndex(slices.Sorted(maps.Keys(roles)))
	p.names = newIndex(slices.Sorted(maps.Keys(p.groups)))
	return p
}

func (p *people) addToGroup(group, key string) {
	if p.groups[group] == nil {
		p.groups[group] = map[string]bool{}
	}
	p.groups[group][key] = true
}

// find returns whom a test is about, by class. All mistakes are reported; a
// selection of nobody is one, unless that is excused.
func (p *people) find(of *Principals, l leniency) ([]cast, error) {
	if of.Selector == nil {
		list, err := p.named(of.Names)
		return p.byClass(list), l.excuse(err)
	}
	casts, err := p.selected(of.Selector, l)
	return p.filtered(casts), err
}

// named returns the principals of a list of names, each once, in its order.
func (p *people) named(names Names) ([]*authz.Principal, error) {
	list := make([]*authz.Principal, 0, len(names))
	var errs []error
	seen := make(map[*authz.Principal]bool, len(names))
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
			return nil, &unmatchedError{message: fmt.Sprintf("no principal is in group %q", group)}
		}
		return list, nil
	}
	at, err := p.keys.find(text)
	for _, i := range at {
		list = append(list, p.list[i])
	}
	if err == nil && len(list) == 0 {
		candidates := make([]string, 0, len(p.names.names)+len(p.keys.names))
		for _, g := range p.names.names {
			candidates = append(candidates, "@"+g)
		}
		err = notFound("principal", "", text, append(candidates, p.keys.names...))
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
	most := min(len(list), len(p.matrix.Classes))
	casts := make([]cast, 0, most)
	at := make(map[*matrix.Class]int, most)
	for i, one := range list {
		if p.only != nil && !p.only[one] {
			continue
		}
		class := p.matrix.ClassOf(one.Key)
		n, ok := at[class]
		if !ok {
			at[class] = len(casts)
			casts = append(casts, cast{class, list[i : i+1 : i+1]}) // most often it stays the only one
			continue
		}
		casts[n].principals = append(casts[n].principals, one)
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

func (p *people) selected(s *PrincipalSelector, l leniency) ([]cast, error) {
	l = l.or(s.AllowEmpty)
	parts, err := p.parts(s, l)
	if err != nil {
		return nil, err
	}
	meets := meetsAll(parts)
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
	if len(casts) == 0 && !l.said() {
		err = l.excuse(nothing(s.Pos, "principal", parts, p.list))
	}
	return casts, err
}

// parts returns what each field of the selector asks for. They are of no use if
// there is an error.
func (p *people) parts(s *PrincipalSelector, l leniency) ([]part[*authz.Principal], error) {
	var errs []error
	var parts []part[*authz.Principal]
	add := func(key, none string, meets func(*authz.Principal) bool) {
		parts = append(parts, part[*authz.Principal]{key, meets, none})
	}
	if len(s.Keys) > 0 {
		keys, err := expand(s.Keys, "principal", "", p.keys)
		errs = append(errs, l.excuse(err))
		add("keys", "none has a key of "+listed(s.Keys), func(one *authz.Principal) bool { return keys[one.Key] })
	}
	if len(s.Roles) > 0 {
		roles, err := expand(s.Roles, "role", " that any principal has", p.roles)
		errs = append(errs, l.excuse(err))
		add("roles", "none has a role of "+listed(s.Roles), func(one *authz.Principal) bool {
			return slices.ContainsFunc(one.Roles, func(r string) bool { return roles[r] })
		})
	}
	if len(s.Groups) > 0 {
		groups, err := expand(s.Groups, "group", "", p.names)
		errs = append(errs, l.excuse(err))
		members := p.members(groups)
		add("groups", "none is in a group of "+listed(s.Groups), func(one *authz.Principal) bool { return members[one.Key] })
	}
	if len(s.Kinds) > 0 {
		add("kind", p.noKind(s.Kinds), func(one *authz.Principal) bool { return slices.Contains(s.Kinds, one.Kind) })
	}
	if s.Not != nil {
		not, err := p.parts(s.Not, l.or(s.Not.AllowEmpty))
		errs = append(errs, err)
		meets := meetsAll(not)
		add("not", "not excludes them all", func(one *authz.Principal) bool { return !meets(one) })
	}
	return parts, errors.Join(errs...)
}

// noKind says that nobody is of one of the kinds, and of which they are.
func (p *people) noKind(kinds []authz.Kind) string {
	var want, have []string
	for _, k := range kinds {
		want = append(want, k.String())
	}
	for i, name := range authz.Kinds() {
		if slices.ContainsFunc(p.list, func(one *authz.Principal) bool { return int(one.Kind) == i }) {
			have = append(have, name)
		}
	}
	return fmt.Sprintf("none is of kind %s, all are %s", strings.Join(want, " or "), strings.Join(have, " or "))
}

// listed writes names as a suite does.
func listed(names Names) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = n.Text
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
