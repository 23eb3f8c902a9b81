package prove

import (
	"context"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/universe"
	"github.com/mcpolicy/mcpolicy/solver"
)

// Populated reports whether anybody could be as some are said to be. It says so too
// where that cannot be told: a sentence about nobody must not be taken for proved.
func (p *Prover) Populated(ctx context.Context, who *Who) (bool, error) {
	r := universe.Roles{Single: []string{universe.Other}}
	sets, open := r.Sets(who.mentioned(), 1)
	for _, set := range sets {
		for _, kind := range who.kinds() {
			c := cohort{roles: set, kind: kind}
			request := authz.Request{Principal: c.principal(), AnyPrincipal: true}
			can, besides := who.has(c, &request)
			switch {
			case !can:
				continue
			case len(besides) == 0:
				return true, nil
			}
			world := solver.World{Requests: []authz.Request{request}}
			if !p.in.Now.IsZero() {
				world.Now = &p.in.Now
			}
			answer, err := p.in.Solver.Solve(ctx, &world, []solver.Goal{{Formula: solver.All(besides...), To: solver.Only(solver.Met)}})
			if err != nil {
				return false, fmt.Errorf("look for somebody %s: %w", who, err)
			}
			if answer.Verdict != solver.Impossible {
				return true, nil
			}
		}
	}
	return len(open) > 0, nil
}
