package diff

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// A Principal is one that came, went, or is declared in another way. Attributes are not
// compared: of those that no policy tells apart only one's are kept.
type Principal struct {
	Principal *authz.Principal // of head, unless it is gone
	Change    string           // added, removed, or what is different: id, roles, kind, onBehalfOf, policyVersion or scope
}

// people are principals whom neither side tells apart.
type people struct {
	base, head *matrix.Class // nil if they are not of that side
	list       []*authz.Principal
	same       bool // they are declared alike, as far as policies see
}

// first returns who stands for the people on a side.
func (p *people) first(base bool) *authz.Principal {
	switch {
	case base && p.base != nil:
		return p.base.First()
	case !base && p.head != nil:
		return p.head.First()
	}
	return nil
}

// people sorts all principals of both sides.
func (c *comparer) people() []*people {
	type key struct{ base, head *matrix.Class }
	var list []*people
	index := map[key]*people{}
	add := func(k key, p *authz.Principal) {
		of := index[k]
		if of == nil {
			of = &people{base: k.base, head: k.head}
			of.same = k.base != nil && k.head != nil && len(differences(k.base.First(), k.head.First(), true)) == 0
			index[k] = of
			list = append(list, of)
		}
		of.list = append(of.list, p)
	}
	for _, class := range c.in.Head.Matrix.Classes {
		for _, p := range class.Principals {
			add(key{c.baseClass(p.Key), class}, p)
		}
	}
	if c.in.Base != nil {
		for _, class := range c.in.Base.Matrix.Classes {
			for _, p := range class.Principals {
				if c.in.Head.Matrix.ClassOf(p.Key) == nil {
					add(key{base: class}, p)
				}
			}
		}
	}
	return list
}

func (c *comparer) baseClass(key string) *matrix.Class {
	if c.in.Base == nil {
		return nil
	}
	return c.in.Base.Matrix.ClassOf(key)
}

// principals lists those that changed.
func (c *comparer) principals() []Principal {
	var list []Principal
	for p := range c.in.Head.Matrix.Principals() {
		was := declaredAs(c.baseClass(p.Key), p.Key)
		if was == nil {
			list = append(list, Principal{p, "added"})
			continue
		}
		for _, what := range differences(was, p, false) {
			list = append(list, Principal{p, what})
		}
	}
	if c.in.Base != nil {
		for p := range c.in.Base.Matrix.Principals() {
			if c.in.Head.Matrix.ClassOf(p.Key) == nil {
				list = append(list, Principal{p, "removed"})
			}
		}
	}
	slices.SortFunc(list, func(a, b Principal) int {
		return cmp.Or(cmp.Compare(a.Principal.Key, b.Principal.Key), cmp.Compare(a.Change, b.Change))
	})
	return list
}

// declaredAs returns the principal of a class with that key.
func declaredAs(class *matrix.Class, key string) *authz.Principal {
	if class == nil {
		return nil
	}
	i, _ := slices.BinarySearchFunc(class.Principals, key, func(p *authz.Principal, key string) int { return cmp.Compare(p.Key, key) })
	return class.Principals[i]
}

// differences says in what two declarations differ; seen adds what only policies see.
func differences(base, head *authz.Principal, seen bool) []string {
	var list []string
	add := func(what string, same bool) {
		if !same {
			list = append(list, what)
		}
	}
	add("id", base.ID == head.ID)
	add("roles", sameSet(base.Roles, head.Roles))
	add("policyVersion", base.PolicyVersion == head.PolicyVersion)
	add("scope", base.Scope == head.Scope)
	if seen {
		add("order of roles", slices.Equal(base.Roles, head.Roles))
		add("attributes", sameValues(base.Attr, head.Attr))
		add("claims", sameValues(base.AuxData, head.AuxData) && sameValues(base.JWTs, head.JWTs))
		return list
	}
	add("kind", base.Kind == head.Kind)
	add("onBehalfOf", base.OnBehalfOf == head.OnBehalfOf)
	return list
}

// sameValues reports whether two mappings have the same values by the same names.
func sameValues[V any](a, b map[string]V) bool {
	return maps.EqualFunc(a, b, func(x, y V) bool { return reflect.DeepEqual(x, y) })
}

// sameSet reports whether two lists have the same values, in any order.
func sameSet(a, b []string) bool { return slices.Equal(a, b) || slices.Equal(sorted(a), sorted(b)) }

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
