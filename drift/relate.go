package drift

import (
	"context"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
)

// relate asks the solver about groups of which the calls that were tried do not tell
// whether their sides differ: for calls that only one side allows, and for one that the
// checkout allows and one that it denies. These are tried too, for what a PDP says of its
// conditions need not be all.
func relate(ctx context.Context, in Input, groups []*group) error {
	if in.Solver == nil {
		return nil
	}
	var again []*group
	for _, g := range groups {
		if !g.isUnknown() {
			continue
		}
		w, formulas, ok := g.formulas()
		if !ok {
			continue
		}
		c, err := in.Solver.Compare(ctx, w, 0, formulas[0], formulas[1])
		if err != nil {
			return err
		}
		g.equal = c.Relation == solver.Equal
		answers := []solver.Answer{c.First, c.Second}
		for _, to := range []solver.Outcomes{solver.Only(solver.Met), solver.Only(solver.Unmet, solver.Errored)} {
			answer, err := in.Solver.Solve(ctx, w, []solver.Goal{{Formula: formulas[0], To: to}})
			if err != nil {
				return err
			}
			answers = append(answers, answer)
		}
		for _, answer := range answers {
			if answer.Verdict == solver.Possible {
				g.calls.arguments = append(g.calls.arguments, answer.Requests[0].Resource.Mapping(w.Requests[0].Unknown))
			}
		}
		if len(g.calls.arguments) > len(g.answers) {
			again = append(again, g)
		}
	}
	return try(ctx, in, again)
}

// isUnknown reports whether it is not known of some principal if the sides differ.
func (g *group) isUnknown() bool {
	for i := range g.principals {
		if _, unknown := g.judge(i); unknown != "" {
			return true
		}
	}
	return false
}

// formulas returns when the two sides allow a call, if that is written down and about
// nothing but arguments.
func (g *group) formulas() (*solver.World, [2]solver.Formula, bool) {
	var list [2]solver.Formula
	if len(g.column.Question.Requests) != 1 {
		return nil, list, false
	}
	r := g.column.Question.Requests[0]
	r.Principal = g.principals[0]
	for i, cell := range []*matrix.Cell{g.checkout, g.production} {
		open := cell.Open()
		switch {
		case open.IsZero() && !cell.Access.Possible():
			list[i] = solver.None(solver.All())
			continue
		case open.IsZero():
			list[i] = solver.All()
			continue
		case len(open.Reads().Principal) > 0:
			return nil, list, false
		}
		var ok bool
		if list[i], ok = solver.Of(open, &r); !ok {
			return nil, list, false
		}
	}
	return &solver.World{Requests: []authz.Request{r}}, list, true
}
