package pdp

import (
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A Premise is an expression over nothing but the resource that stands beside a
// read: where it comes to the opposite of Value, what is read has no say. In
// R.id == "refund" && R.attr.arguments.amount < 100 the first is one of the second.
type Premise struct {
	Expr  string
	Value bool
	// Paths are those below R.attr that it looks at; the empty path is all of them.
	Paths [][]string
}

// A Reading is a read of a rule and a request that the rule is about.
type Reading struct {
	Rule    string // the ID, as in [authz.RuleRef]
	Read    *Read
	Request *authz.Request
}

// Of returns the expression of a premise, in the context of the rule.
func (r *Reading) Of(g Premise) Expression {
	return Expression{Rule: r.Rule, DerivedRole: r.Read.Place.DerivedRole, Text: g.Expr}
}

// Known reports whether the request says all that the premise looks at.
func (g *Premise) Known(r *authz.Request) bool {
	if slices.ContainsFunc(r.Made, func(m authz.Made) bool {
		return m.At[0] != "attr" || slices.ContainsFunc(g.Paths, func(path []string) bool { return expr.Within(path, m.At[1:]) })
	}) {
		return false
	}
	return r.Unknown == nil || !slices.ContainsFunc(g.Paths, func(path []string) bool { return expr.Within(path, r.Unknown) })
}

// RuleReads is what the condition of a rule looks at, with those of its
// derived roles and the variables that they use.
type RuleReads struct {
	Reads []Read
	// Claims are reads of claims, with the path below auxData: jwt NAME, or jwts TOKEN
	// claims NAME.
	Claims []Read
	// Premises are what has to hold of the resource for the rule's own condition
	// to be met. None if the rules that share the ID differ.
	Premises []Premise
	// Clock lists the expressions that look at the clock.
	Clock []Location
	// Other is set if something is read that Reads does not say: all
	// attributes at once, the whole request.
	Other bool
}

// A Read is an attribute that an expression looks at.
type Read struct {
	// Principal is set for an attribute of the principal, not the resource.
	Principal bool
	Path      []string // below attr; never empty. [Element] stands for any element of a list
	// Below is set if the path goes on by a name or a number that is not in
	// the text: attr.quota[attr.kind].
	Below bool
	// Tested is set where the expression only asks whether the attribute is
	// there, as has() does.
	Tested bool
	// Guarded says for each step of the path whether it does no harm there if
	// it is missing: the expression does not error, or is not looked at.
	Guarded []bool
	// Alternative is set below "or", "none" and in a branch of "? :", where
	// something else may decide.
	Alternative bool
	// Types are those that the value is taken to have, each in the name of
	// CEL: string, int, double, bool, list, map, null_type. Any of them will
	// do. None if the expression does not say.
	Types []string
	// Premises are what settles for a resource that the read has no say. See
	// Idle of [Reader].
	Premises []Premise
	Place    Location
}

// Element is the step of a path from a list to its elements.
const Element = "\x01[]"

// A Location is where an expression stands.
type Location struct {
	Expr        string // an expression of a condition, as written
	DerivedRole string // whose condition it is, or "" for the rule's own
	Variable    string // in the definition of which variable, or ""
}

// Add adds what another condition looks at.
func (r *RuleReads) Add(other *RuleReads) {
	r.Reads, r.Claims = append(r.Reads, other.Reads...), append(r.Claims, other.Claims...)
	r.Clock, r.Other = append(r.Clock, other.Clock...), r.Other || other.Other
}

// Sort puts everything in order, each once.
func (r *RuleReads) Sort() {
	r.Reads, r.Claims = sortedReads(r.Reads), sortedReads(r.Claims)
	slices.SortFunc(r.Clock, comparePlaces)
	r.Clock = slices.Compact(r.Clock)
}

// sortedReads returns the different reads of a list, in order.
func sortedReads(list []Read) []Read {
	byKey := make(map[string]Read, len(list))
	for i := range list {
		byKey[list[i].key()] = list[i]
	}
	reads := make([]Read, 0, len(byKey))
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		reads = append(reads, byKey[key])
	}
	return reads
}

func (r *Read) key() string {
	flag := func(b bool) string { return map[bool]string{true: "1"}[b] }
	parts := slices.Concat([]string{flag(r.Principal)}, r.Path, []string{"", flag(r.Below), flag(r.Tested), flag(r.Alternative)}, r.Types)
	for _, g := range r.Guarded {
		parts = append(parts, flag(g))
	}
	for _, g := range r.Premises {
		parts = append(parts, g.Expr, flag(g.Value))
	}
	return strings.Join(append(parts, "", r.Place.Expr, r.Place.DerivedRole, r.Place.Variable), "\x00")
}

func comparePlaces(a, b Location) int {
	return slices.Compare([]string{a.Expr, a.DerivedRole, a.Variable}, []string{b.Expr, b.DerivedRole, b.Variable})
}
