package embedded

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// maxGroups bounds the groups of which a shortest condition is looked for; of more, up to
// maxCovered, one is that is as short as taking away from what the engine allowed makes it.
const maxGroups, maxCovered = 8, 64

// maxWritten bounds the text of the condition on more groups.
const maxWritten = 2000

// A term is a conjunction of groups, as bit sets.
type implicant struct{ positive, negative uint64 }

func (t implicant) covers(point uint64) bool {
	return point&t.positive == t.positive && point&t.negative == 0
}

func (t implicant) size() int { return bits.OnesCount64(t.positive) + bits.OnesCount64(t.negative) }

// condition writes down for which values of the groups the engine allowed:
// what allows, unless what denies.
func (x *exploration) condition() authz.Condition {
	if x.tooMany || len(x.texts) > maxCovered {
		return x.unwritten()
	}
	if c := x.written(); len(x.texts) <= maxGroups || len(c.String()) <= maxWritten {
		return c
	}
	return x.unwritten()
}

// unwritten lists all that the decision hangs on: conditions are told apart by their texts.
func (x *exploration) unwritten() authz.Condition {
	var texts []string
	var hints []authz.Clause
	for _, r := range x.texts {
		if r.whenTrue != "" {
			hints = append(hints, x.solver.clause(r.whenTrue))
			texts = append(texts, r.whenTrue)
		}
	}
	return authz.Unwritten(fmt.Sprintf("(depends on %d conditions: %s)", len(x.texts), strings.Join(texts, "; ")), hints...)
}

func (x *exploration) written() authz.Condition {
	if x.strict() {
		return authz.AnyOf(authz.Alternative{Allows: x.solver.clause(x.strictText())})
	}
	terms := x.terms()
	// Several alternatives under the same exception are written once.
	if !slices.ContainsFunc(terms, func(t implicant) bool { return t.negative != terms[0].negative }) {
		var allows []string
		for _, t := range terms {
			allows = append(allows, x.texted(t.positive, operators.LogicalAnd))
		}
		return authz.AnyOf(authz.Alternative{
			Allows: x.solver.clause(expr.Joined(allows, operators.LogicalOr)), Denies: x.solver.clause(x.texted(terms[0].negative, operators.LogicalOr)),
		})
	}
	alternatives := make([]authz.Alternative, len(terms))
	for i, t := range terms {
		alternatives[i] = authz.Alternative{
			Allows: x.solver.clause(x.texted(t.positive, operators.LogicalAnd)), Denies: x.solver.clause(x.texted(t.negative, operators.LogicalOr)),
		}
	}
	return authz.AnyOf(alternatives...)
}

// strictText is plain CEL: when evaluation is strict, what errors denies,
// and so does an error in CEL's own && and ||. Paths are not merged, because
// "a or not a" says that a can be evaluated.
func (x *exploration) strictText() string {
	var alternatives []string
	for _, p := range x.paths {
		if !p.allowed {
			continue
		}
		var literals []string
		for g, v := range p.groups {
			switch v {
			case isTrue:
				literals = append(literals, x.texts[g].whenTrue)
			case isFalse:
				literals = append(literals, x.texts[g].whenFalse)
			case isFree, isError:
			}
		}
		alternatives = append(alternatives, expr.Joined(literals, operators.LogicalAnd))
	}
	return expr.Joined(alternatives, operators.LogicalOr)
}

// texted joins the texts of a set of groups with a logical operator.
func (x *exploration) texted(groups uint64, operator string) string {
	var list []string
	for g, r := range x.texts {
		if groups&(1<<g) != 0 {
			list = append(list, r.whenTrue)
		}
	}
	return expr.Joined(list, operator)
}

// terms returns a short disjunction of conjunctions that is true exactly where
// the engine allowed: prime implicants, taken greedily.
func (x *exploration) terms() []implicant {
	n := len(x.texts)
	if n > maxGroups {
		return cover(x.terminals())
	}
	allows := make([]bool, 1<<n)
	for _, p := range x.paths {
		if !p.allowed {
			continue
		}
		t := p.term()
		for point := range uint64(1) << n {
			if t.covers(point) {
				allows[point] = true
			}
		}
	}
	primes := primeImplicants(allows, n)
	var chosen []implicant
	left := slices.Clone(allows)
	for slices.Contains(left, true) {
		best := slices.MaxFunc(primes, func(a, b implicant) int {
			return cmp.Or(cmp.Compare(gain(a, left), gain(b, left)), cmp.Compare(b.size(), a.size()))
		})
		chosen = append(chosen, best)
		for point := range left {
			if best.covers(uint64(point)) { //nolint:gosec // counts from zero
				left[point] = false
			}
		}
	}
	return chosen
}

func gain(t implicant, left []bool) int {
	n := 0
	for point, open := range left {
		if open && t.covers(uint64(point)) { //nolint:gosec // counts from zero
			n++
		}
	}
	return n
}

// primeImplicants lists the largest terms within which everything is allowed.
func primeImplicants(allows []bool, n int) []implicant {
	level := map[implicant]bool{}
	full := uint64(1)<<n - 1
	for point, ok := range allows {
		if ok {
			level[implicant{uint64(point), full &^ uint64(point)}] = true //nolint:gosec // counts from zero
		}
	}
	var primes []implicant
	for len(level) > 0 {
		next, merged := map[implicant]bool{}, map[implicant]bool{}
		for t := range level {
			for g := range n {
				bit := uint64(1) << g
				if t.positive&bit == 0 {
					continue
				}
				other := implicant{t.positive &^ bit, t.negative | bit}
				if level[other] {
					next[implicant{t.positive &^ bit, t.negative}] = true
					merged[t], merged[other] = true, true
				}
			}
		}
		for t := range level {
			if !merged[t] {
				primes = append(primes, t)
			}
		}
		level = next
	}
	slices.SortFunc(primes, func(a, b implicant) int {
		return cmp.Or(cmp.Compare(a.size(), b.size()), cmp.Compare(a.positive, b.positive), cmp.Compare(a.negative, b.negative))
	})
	return primes
}
