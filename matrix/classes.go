package matrix

import (
	"cmp"
	"iter"
	"slices"
	"strconv"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A Class is a set of principals that the policies cannot tell apart, sorted by
// their keys.
type Class struct {
	Index      int
	Principals []*authz.Principal
}

// First returns the principal that stands for the class.
func (c *Class) First() *authz.Principal { return c.Principals[0] }

// Classes sorts principals into classes, one after the other, so that a file of
// any length can be sorted while it is read.
type Classes struct {
	key   func(*authz.Principal) string
	list  []*Class
	byKey map[string]*Class
	of    map[string]*Class // by the key of a principal
	keep  bool
}

// NewClasses starts without principals. Those for whom key returns the same are
// of one class; without it every principal is a class of its own.
func NewClasses(key func(*authz.Principal) string) *Classes {
	return &Classes{key: key, byKey: map[string]*Class{}, of: map[string]*Class{}}
}

// Keep has Add leave principals as they are: something else than policies looks at them.
func (cs *Classes) Keep() { cs.keep = true }

// Add puts a principal into its class, and changes it unless there was a Keep: it gets the
// attributes and auxiliary data of the first of its class in place of its own, which no
// policy can tell apart. That way a million principals take little memory.
func (cs *Classes) Add(p *authz.Principal) {
	if first := cs.add(p).First(); first != p && !cs.keep {
		p.Attr, p.AuxData, p.JWTs = first.Attr, first.AuxData, first.JWTs
	}
}

// Principals yields those that were added.
func (cs *Classes) Principals() iter.Seq[*authz.Principal] { return principalsOf(cs.list) }

func principalsOf(classes []*Class) iter.Seq[*authz.Principal] {
	return func(yield func(*authz.Principal) bool) {
		for _, c := range classes {
			for _, p := range c.Principals {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// sort puts the classes, and the principals of each, into the order of their
// keys: nothing depends on the order in which they came.
func (cs *Classes) sort() []*Class {
	byKey := func(a, b *authz.Principal) int { return cmp.Compare(a.Key, b.Key) }
	for _, c := range cs.list {
		slices.SortFunc(c.Principals, byKey)
	}
	slices.SortFunc(cs.list, func(a, b *Class) int { return byKey(a.First(), b.First()) })
	for i, c := range cs.list {
		c.Index = i
	}
	return cs.list
}

func (cs *Classes) add(p *authz.Principal) *Class {
	key := strconv.Itoa(len(cs.of))
	if cs.key != nil {
		key = cs.key(p)
	}
	c := cs.byKey[key]
	if c == nil {
		c = &Class{Index: len(cs.list)}
		cs.byKey[key] = c
		cs.list = append(cs.list, c)
	}
	c.Principals = append(c.Principals, p)
	cs.of[p.Key] = c
	return c
}
