package solver_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/solver"
)

// TestAtOnce has solvers of their own search at the same time, for what takes a search: one
// place fewer than there are different values, and as many.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	var wait sync.WaitGroup
	for range 4 {
		s := solver.New(engine(t))
		wait.Go(func() {
			for _, holes := range []int{4, 5} {
				var parts []string
				for i := range 5 {
					for h := range i {
						parts = append(parts, fmt.Sprintf("R.attr.arguments.p%d != R.attr.arguments.p%d", h, i))
					}
				}
				properties := map[string]any{}
				for i := range 5 {
					var values []any
					for v := range holes {
						values = append(values, float64(v))
					}
					properties[fmt.Sprintf("p%d", i)] = map[string]any{"enum": values}
				}
				w := &solver.World{
					Requests: []authz.Request{{
						Principal: &authz.Principal{ID: "ada", Roles: []string{"A"}}, Resource: authz.Resource{Kind: "mcp_server", ID: "x"},
						Action: "call", Unknown: []string{"arguments"},
					}},
					Arguments: []any{map[string]any{"type": "object", "properties": properties}},
				}
				a, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(strings.Join(parts, " && ")), To: solver.Only(solver.Met)}})
				if want := map[int]solver.Verdict{4: solver.Impossible, 5: solver.Possible}[holes]; err != nil || a.Verdict != want {
					t.Errorf("%d values: %v, want %v (%v)", holes, a.Verdict, want, err)
				}
			}
		})
	}
	wait.Wait()
}
