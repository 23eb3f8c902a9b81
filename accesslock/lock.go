package accesslock

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// Version is the version of the file that this package reads and writes.
const Version = 1

// A Lock is what the file says. Each element of its lists is a line.
type Lock struct {
	Items   []Item
	Schemas []PrincipalSchema
	Kinds   []Holding
	Access  []Access
	Unknown []Unknown
	Pos     source.Pos // of the file; zero of a lock that was not read
}

// A Ref names an item of a server.
type Ref struct {
	Server  string
	Type    authz.ItemType
	Name    string
	Version string // the item's own, or ""
}

func (r Ref) compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Server, o.Server), cmp.Compare(r.Type, o.Type), cmp.Compare(r.Name, o.Name), cmp.Compare(r.Version, o.Version))
}

// An Item says how a server describes an item.
type Item struct {
	Pos source.Pos
	Ref
	Hints  string // as it stands in the file: {readOnly: true}; "" for none
	Schema string // a digest of the schema of its arguments; "" for none
	// List is possible where who may list it follows from who may use it, so that no line
	// says that; "" elsewhere.
	List string
}

// A PrincipalSchema says what the policies hold whoever asks to.
type PrincipalSchema struct {
	Pos    source.Pos
	Policy string // as Cerbos names it
	Digest string // of the schemas that it names, and of when it ignores them
}

// A Holding says that principals of a kind are declared with a role, or with several at
// once where these together may other things than each alone.
type Holding struct {
	Pos   source.Pos
	Kind  authz.Kind
	Roles []string
}

func (h Holding) key() string { return h.Kind.String() + "\x00" + strings.Join(h.Roles, "\x00") }

// An Access says what some may do with an item.
type Access struct {
	Pos source.Pos
	Ref
	Operations []authz.Operation
	// By lists sets of roles, each of which is enough: as policies name them, "*" for any
	// other.
	By                   [][]string
	ID                   string // of whom alone it is said, or ""
	Scope, PolicyVersion string // of those who ask, where not the default
	Value                Value
}

// An Unknown says for which operations on an item it is not known whether the lock speaks of
// everybody.
type Unknown struct {
	Pos source.Pos
	Ref
	Operations []authz.Operation
	Because    string
	Depends    string // a digest of the policies that decide
}

// A Value is what somebody may do.
type Value struct {
	Access matrix.Access
	// Conditions are those of conditional access: any of them is enough.
	Conditions []authz.Condition
	// Depends is a digest of the policies that decide, where a condition is not written
	// down or says what only its policy knows.
	Depends string
}

func (v Value) key() string {
	parts := []string{v.Access.String(), v.Depends}
	for _, c := range v.Conditions {
		parts = append(parts, c.Key())
	}
	return strings.Join(parts, "\x00")
}

// String says what may be done in a few words: always, never, when a condition is met.
func (v Value) String() string {
	switch v.Access {
	case matrix.Allowed:
		return "always"
	case matrix.Denied, matrix.Refused:
		return "never"
	case matrix.Unguarded:
		return "always, and no policy is asked"
	case matrix.Conditional:
	}
	var parts []string
	for _, c := range v.Conditions {
		parts = append(parts, c.When())
	}
	return strings.Join(parts, ", or ")
}

// or returns what is allowed to who has what either allows.
func (v Value) or(o Value) Value {
	rank := func(v Value) int {
		return map[matrix.Access]int{matrix.Denied: 0, matrix.Conditional: 1, matrix.Allowed: 2, matrix.Unguarded: 3}[v.Access] // and 0 for what is refused
	}
	switch {
	case rank(v) > rank(o):
		return v
	case rank(v) < rank(o) || v.Access != matrix.Conditional:
		return o
	}
	both := Value{Access: matrix.Conditional, Depends: cmp.Or(v.Depends, o.Depends)}
	if v.Depends != "" && o.Depends != "" && v.Depends != o.Depends {
		both.Depends = digest(v.Depends, o.Depends)
	}
	both.Conditions = slices.Concat(v.Conditions, o.Conditions)
	slices.SortFunc(both.Conditions, authz.Condition.Compare)
	both.Conditions = slices.CompactFunc(both.Conditions, authz.Condition.Equal)
	return both
}

// sort brings the lines into their order.
func (l *Lock) sort() {
	slices.SortFunc(l.Items, func(a, b Item) int {
		return cmp.Or(a.compare(b.Ref), cmp.Compare(a.Hints, b.Hints), cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.List, b.List))
	})
	slices.SortFunc(l.Schemas, func(a, b PrincipalSchema) int { return cmp.Compare(a.Policy, b.Policy) })
	slices.SortFunc(l.Kinds, func(a, b Holding) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), slices.Compare(a.Roles, b.Roles)) })
	slices.SortFunc(l.Access, func(a, b Access) int {
		return cmp.Or(a.compare(b.Ref), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.PolicyVersion, b.PolicyVersion), cmp.Compare(a.ID, b.ID),
			slices.Compare(a.Operations, b.Operations), -cmp.Compare(a.Value.Access, b.Value.Access), slices.CompareFunc(a.By, b.By, compareSets), cmp.Compare(a.Value.key(), b.Value.key()))
	})
	slices.SortFunc(l.Unknown, func(a, b Unknown) int {
		return cmp.Or(a.compare(b.Ref), slices.Compare(a.Operations, b.Operations), cmp.Compare(a.Because, b.Because))
	})
}
