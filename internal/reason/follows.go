package reason

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// Follows reports whether the condition of a rule is met whenever that of another
// is, for every request that the other covers. That is so if the rule has no condition,
// or the same one, or if no candidate shows otherwise and the candidates leave nothing
// out.
func (x *Reasoner) Follows(ctx context.Context, o, r *policy.Rule) (bool, error) {
	switch {
	case o.Condition == nil:
		return true, nil
	case r.Condition == nil || x.in.Strict || x.ComparesNoMore():
		return false, nil
	}
	x.compared++
	a, b := x.Own(o), x.Own(r)
	if a == nil || b == nil {
		return false, nil
	}
	if a == b && !slices.ContainsFunc(a.Parts, func(p pdp.Part) bool { return p.Relation == pdp.Opaque }) {
		return true, nil
	}
	if x.spent || a.Globals || b.Globals || !slices.ContainsFunc(a.Parts, func(p pdp.Part) bool { return sharesPlace(p, b.Parts) }) {
		return false, nil
	}
	return x.follows(ctx, o, r, a, b)
}

// ComparesNoMore reports whether the limit of comparisons is reached:
// [Reasoner.Follows] is then false for every pair not compared before.
func (x *Reasoner) ComparesNoMore() bool { return x.compared == maxCompared }

// maxCompared is how many pairs of conditions are compared: those of a thousand rules
// about the same. More are too many to look into, and nothing is said of them.
const maxCompared = 1 << 20

// follows reports whether one condition is met whenever another is, the one of a
// rule.
func (x *Reasoner) follows(ctx context.Context, o, r *policy.Rule, a, b *pdp.Condition) (bool, error) {
	met := false
	for _, of := range x.in.Index.Covered(r) {
		switch v, err := x.misses(ctx, o, r, of); {
		case err != nil:
			return false, err
		case v == solver.Possible:
			return false, nil
		case v == solver.Impossible:
			if can, err := x.can(ctx, r, of, pdp.Met, false); err != nil || can == solver.Unknown {
				return false, err
			} else if can == solver.Possible {
				met = true
			}
			continue
		}
		q := x.anyItem(r, b, of)
		if q == nil {
			q = x.anyItem(r, a, of)
		}
		if q == nil {
			q = x.anybody(r, b, of)
		}
		q.Parts = slices.Concat(b.Parts, a.Parts)
		candidates := q.Candidates()
		list := slices.Collect(candidates.Each)
		if !candidates.All {
			return false, nil
		}
		if !x.in.Budget.Afford(2 * len(list)) {
			x.spent = x.spent || len(list) <= fewCandidates
			return false, nil
		}
		var trials []pdp.Trial
		for _, c := range list {
			request := bound(q.Request, c)
			trials = append(trials, pdp.Trial{Condition: b, Request: request}, pdp.Trial{Condition: a, Request: request})
		}
		outcomes, err := x.Engine.Try(ctx, trials)
		if err != nil {
			return false, err
		}
		for i := 0; i < len(outcomes); i += 2 {
			if outcomes[i] == pdp.Unasked || outcomes[i] == pdp.Met && outcomes[i+1] != pdp.Met {
				return false, nil
			}
			met = met || outcomes[i] == pdp.Met
		}
	}
	return met, nil // a condition that is never met is another rule's to report
}

// misses says whether the condition of a rule can be met, in what it covers, while that
// of another is not; unknown where the solver is not asked.
func (x *Reasoner) misses(ctx context.Context, o, r *policy.Rule, of coverage.Covering) (solver.Verdict, error) {
	a, known := x.formula(o)
	b, also := x.formula(r)
	if !known || !also || a.looksAtResource(of.Unknown) || b.looksAtResource(of.Unknown) || !x.in.Budget.Afford(1) {
		return solver.Unknown, nil
	}
	key := [2]*policy.Rule{o, r}
	if v, known := x.missed[key]; known {
		return v, nil
	}
	request := *of.Request
	request.Principal, request.AnyPrincipal = x.Somebody(), true
	if err := x.prepare(ctx, &request); err != nil {
		return solver.Unknown, err
	}
	answer, err := x.solver.Solve(ctx, &solver.World{Requests: []authz.Request{request}}, []solver.Goal{
		{Formula: b.Formula, To: solver.Only(solver.Met)}, {Formula: a.Formula, To: solver.Only(solver.Unmet, solver.Errored)},
	})
	if err != nil {
		return solver.Unknown, err
	}
	x.in.Budget.Afford(answer.Steps)
	x.missed[key] = answer.Verdict
	return answer.Verdict, nil
}

// fewCandidates is a small number of candidates. Once the budget does not afford a pair
// of conditions with so few, no further pair is compared: thousands of rules are
// millions of pairs.
const fewCandidates = 100

// sharesPlace reports whether a part looks at a place that one of the others
// does: without that, one condition cannot follow from another.
func sharesPlace(p pdp.Part, others []pdp.Part) bool {
	return slices.ContainsFunc(p.Terms, func(t pdp.Term) bool {
		return len(t.Path) > 0 && slices.ContainsFunc(others, func(o pdp.Part) bool {
			return slices.ContainsFunc(o.Terms, func(u pdp.Term) bool { return slices.Equal(t.Path, u.Path) })
		})
	})
}
