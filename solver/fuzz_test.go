package solver_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/solver"
)

// FuzzSolve asks about conditions that nobody thought of. Whatever they are there is an answer
// or an error, and a request that is said to come to something does.
func FuzzSolve(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(celgen.New(seed).Condition())
	}
	for _, seed := range []string{"", "true", "1/0 == 1", `R.attr.arguments.a[-1] == "x"`, "R.attr.arguments.n * 1e308 > 1e308", `R.attr.arguments.f.matches("(")`, "[1, 2].map(x, x / 0)[0] > 0", "\x00", "size(P) > 1"} {
		f.Add(seed)
	}
	w := world(map[string]any{"type": "object"}, nil, "staff")
	of, asked := engine(f), 0
	s := solver.New(of)
	f.Fuzz(func(t *testing.T, text string) {
		if asked++; asked%200 == 0 { // what is kept of expressions is bounded by this
			of = engine(t)
			s = solver.New(of)
		}
		for _, o := range outcomes {
			answer, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(text), To: solver.Only(o)}})
			if err != nil {
				return
			}
			if answer.Verdict != solver.Possible {
				continue
			}
			if len(answer.Requests) == 0 {
				t.Fatalf("%v is possible, and nothing shows it: %s", o, text)
			}
			list, err := of.Evaluate(t.Context(), []string{text}, []solver.Trial{{Request: &answer.Requests[0], Now: noon}})
			if err != nil {
				t.Fatal(err)
			}
			if list[0] != o {
				t.Fatalf("%s is said to come to %v, and comes to %v: %s", text, o, list[0], shown(&answer.Requests[0]))
			}
		}
	})
}
