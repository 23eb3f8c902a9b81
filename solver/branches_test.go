package solver_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/solver"
)

// TestBranches asks about conditions with a ternary inside that may come to what is no
// boolean: a branch by itself is of a type that the checker refuses, and the whole is not.
func TestBranches(t *testing.T) {
	s := solver.New(engine(t))
	for text, want := range map[string][3]solver.Verdict{ // unmet, met, an error
		`(R.attr.arguments.a == "x" ? R.attr.arguments.f : "y") && R.attr.arguments.g`:      {solver.Possible, solver.Possible, solver.Possible},
		`!(has(R.attr.arguments.a) ? R.attr.arguments.f : size(R.attr.arguments.l))`:        {solver.Possible, solver.Possible, solver.Possible},
		`(has(R.attr.arguments.a) ? 1 : R.attr.arguments.a) || true`:                        {solver.Impossible, solver.Possible, solver.Impossible},
		`(has(R.attr.arguments.a) ? R.attr.arguments.a : [2]) && !has(R.attr.arguments.a)`:  {solver.Possible, solver.Impossible, solver.Possible},
		`(has(R.attr.arguments.a) ? R.attr.arguments.a : {"k": 2}) || has(P.attr.b)`:        {solver.Possible, solver.Possible, solver.Possible},
		`(P.attr.n > 3 ? P.attr.t : timestamp("2026-01-01T00:00:00Z")) && P.attr.n < 2.5`:   {solver.Possible, solver.Impossible, solver.Possible},
		`has(P.attr.t) && (P.attr.t == "u" ? P.attr.f : duration("2h")) && P.attr.t != "u"`: {solver.Possible, solver.Impossible, solver.Possible},
	} {
		for to, verdict := range want {
			w := world(nil, nil, "clerk")
			answer, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(text), To: solver.Only(solver.Outcome(to))}}) //nolint:gosec // 0 to 2
			if err != nil || answer.Verdict != verdict {
				t.Errorf("%s: %v is %v, want %v (%v)", text, solver.Outcome(to), answer.Verdict, verdict, err) //nolint:gosec // 0 to 2
			}
		}
	}
}
