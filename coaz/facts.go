package coaz

import (
	"cmp"
	"slices"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Fact is something about a mapping that it is good to know. What makes a point refuse
// every call is a [Mistake] instead.
type Fact struct {
	Kind FactKind
	Part string // the name of the part, or "" for what is about none
	Pos  source.Pos
	Path []string // below the arguments or the token, for what is about such a thing
}

// A FactKind says what a [Fact] is.
type FactKind uint8

// The kinds of a fact.
const (
	// OptionalArgument: a call without the argument at Path is refused with [CodeMapping],
	// though the inputSchema does not ask for it.
	OptionalArgument FactKind = iota
	// NeededClaim: whoever has no claim at Path is refused with [CodeMapping].
	NeededClaim
	// OwnSubject: the subject's id is not the caller's.
	OwnSubject
	// OwnType: the server chooses the type of the subject, which is the role of whoever has
	// no others.
	OwnType
	// OwnRoles: the server chooses the roles.
	OwnRoles
	// ClaimedRoles: the roles are those of a claim. There is no other way to have any.
	ClaimedRoles
	// NumberAsText: an id, a type or an action is made of a number, which is a double:
	// 1234567 is "1.234567e+06".
	NumberAsText
	// ByCall: the part depends on the parameters of the call.
	ByCall
	// DroppedArgument: no part reads the argument at Path.
	DroppedArgument
	// Semantic: the mapping says how many of its evaluations are answered.
	Semantic
)

// String returns the kind in a few words.
func (k FactKind) String() string {
	return [...]string{
		"optional argument", "needed claim", "own subject", "own type", "own roles", "claimed roles", "number as text", "by call", "dropped argument", "semantic",
	}[k]
}

// Facts lists the facts about a mapping, by place. They may be fewer than there are.
func (m *Mapping) Facts() []Fact {
	var list []Fact
	add := func(kind FactKind, v *Value, path []string) {
		list = append(list, Fact{kind, v.Name, v.Pos, path})
	}
	for _, v := range m.leaves {
		if v.expr == nil {
			continue
		}
		if slices.ContainsFunc(v.Reads, func(r Read) bool { return r.Path[0] == paramsName }) {
			add(ByCall, v, nil)
		}
		for _, path := range m.missable(v) {
			add(OptionalArgument, v, path)
		}
		for _, path := range claimsOf(v) {
			add(NeededClaim, v, path)
		}
		if v.mustBeText && v.typing.numberAsText {
			add(NumberAsText, v, nil)
		}
	}
	if len(m.entries) > 0 {
		subjectFacts(m.entries[0].Subject, add)
	}
	for _, path := range m.dropped() {
		list = append(list, Fact{Kind: DroppedArgument, Pos: m.arguments.at(path).pos, Path: path})
	}
	if m.semantic != nil {
		list = append(list, Fact{Kind: Semantic, Pos: m.semantic.Pos})
	}
	slices.SortStableFunc(list, func(a, b Fact) int { return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.Kind, b.Kind)) })
	return list
}

// missable lists the arguments that an expression needs and a call may leave out.
func (m *Mapping) missable(v *Value) [][]string {
	var list [][]string
	for _, r := range v.Reads {
		path := r.Argument()
		below := r.Needs - (len(r.Path) - len(path))
		if path == nil || below <= 0 || !r.Always {
			continue
		}
		for n := range below {
			if m.arguments.at(path[:n+1]).optional {
				list = appendPath(list, path[:n+1])
				break
			}
		}
	}
	return list
}

// claimsOf lists the claims that an expression needs, but for the subject itself.
func claimsOf(v *Value) [][]string {
	var list [][]string
	for _, r := range v.Reads {
		if path := r.Claim(); path != nil && r.Always && r.Needs > 1 && !v.IsSubject && path[0] != defaultClaim {
			list = appendPath(list, path[:r.Needs-1])
		}
	}
	return list
}

func appendPath(list [][]string, path []string) [][]string {
	if slices.ContainsFunc(list, func(p []string) bool { return slices.Equal(p, path) }) {
		return list
	}
	return append(list, path)
}

// subjectFacts tells what of the subject the server chooses.
func subjectFacts(subject *Value, add func(FactKind, *Value, []string)) {
	if id := subject.Get("id"); id != nil && !id.IsSubject {
		add(OwnSubject, id, nil)
	}
	if t := subject.Get("type"); t != nil && t.Literal != defaultType {
		add(OwnType, t, nil)
	}
	roles := subject.Get(propertiesName).Get(rolesKey)
	if roles == nil {
		return
	}
	if roles.expr != nil {
		if tree, err := expr.Parse(roles.Text); err == nil {
			if path, ok := expr.Path(tree); ok && path[0] == tokenName {
				add(ClaimedRoles, roles, path[1:])
				return
			}
		}
	}
	add(OwnRoles, roles, nil)
}

// dropped lists the arguments that no part reads.
func (m *Mapping) dropped() [][]string {
	var list [][]string
	for _, name := range m.arguments.names() {
		path := []string{paramsName, argumentsName, name}
		if !slices.ContainsFunc(m.leaves, func(v *Value) bool {
			return v.unclear != nil || v.dollar && v.expr == nil || v.expr != nil && slices.ContainsFunc(v.Reads, func(r Read) bool { return expr.Within(r.Path, path) })
		}) {
			list = append(list, []string{name})
		}
	}
	return list
}
