package solver_test

import (
	"math/rand/v2"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/solver"
)

// TestErrorsByType evaluates, for values of all types, what is said to err by type alone: an
// outcome that is impossible must come of none.
func TestErrorsByType(t *testing.T) {
	t.Parallel()
	const a, b = "R.attr.arguments.a", "R.attr.arguments.b"
	texts := []string{
		a + " in " + b, `"x" in ` + b, "2.0 in " + b, a + ` in {"x": 1.0}`,
		"intersect(" + a + ", " + b + ").size() > 1", "intersect(" + a + `, ["x", "y"]).size() > 1`, "intersect(" + a + ", " + b + `) == ["x"]`,
		"hierarchy(" + a + ").ancestorOf(hierarchy(" + b + "))", "hierarchy(" + a + ").overlaps(hierarchy(" + b + "))",
		"hierarchy(" + a + `).siblingOf(hierarchy("x.y"))`, "hierarchy(" + a + ").immediateChildOf(hierarchy(" + b + "))",
		"hierarchy(" + a + ").immediateParentOf(hierarchy(" + b + "))", "hierarchy(" + a + ").descendentOf(hierarchy(" + b + "))",
		a + `.split(".").exists(p, p == "x")`, a + `.split(".").exists(p, "x.y" == p)`,
	}
	scalars := []any{nil, true, false, 0.0, 2.0, -1.5, "", "x", "y", "x.y", "x.y.z", ".", "a b"}
	r := rand.New(rand.NewPCG(14, 9)) //nolint:gosec // a test wants the same numbers each time
	draw := func(as string) any {
		switch as {
		case "string":
			return scalars[6+r.IntN(7)]
		case "array":
			list := []any{}
			for range r.IntN(4) {
				list = append(list, scalars[r.IntN(len(scalars))])
			}
			return list
		case "object":
			return map[string]any{"x": scalars[r.IntN(len(scalars))]}
		}
		return scalars[r.IntN(6)]
	}
	all := []string{"string", "array", "object", ""}
	e, impossible := engine(t), 0
	s := solver.New(e)
	for _, text := range texts {
		for _, of := range []string{"string", "array", "object", ""} {
			properties := map[string]any{}
			if of != "" {
				properties["a"] = map[string]any{"type": of}
			}
			w := world(map[string]any{"type": "object", "properties": properties, "required": []any{"a"}}, nil)
			var trials []solver.Trial
			for range rounds.Of(40, 2_000) {
				kind := of
				if kind == "" {
					kind = all[r.IntN(len(all))]
				}
				arguments := map[string]any{"a": draw(kind)}
				if r.IntN(8) > 0 {
					arguments["b"] = draw(all[r.IntN(len(all))])
				}
				request := w.Requests[0]
				request.Unknown, request.AnyPrincipal = nil, false
				request.Resource.Attr = map[string]any{"tool_name": "transfer", "arguments": arguments}
				trials = append(trials, solver.Trial{Request: &request, Now: noon})
			}
			outcomes, err := e.Evaluate(t.Context(), []string{text}, trials)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range []solver.Outcome{solver.Met, solver.Unmet, solver.Errored} {
				answer, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(text), To: solver.Only(o)}})
				if err != nil {
					t.Fatal(err)
				}
				if answer.Verdict != solver.Impossible {
					continue
				}
				impossible++
				for i, got := range outcomes {
					if got == o {
						t.Fatalf("%s with a of type %q is said never to be %v; it is for %v", text, of, o, trials[i].Request.Resource.Attr)
					}
				}
			}
		}
	}
	if t.Logf("%d are impossible", impossible); impossible < 20 {
		t.Error("hardly anything is impossible")
	}
}
