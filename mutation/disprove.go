package mutation

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// disprove kills mutants by what suites say of everybody: those that no case kills, and
// that something tells apart.
func (r *runner) disprove(ctx context.Context) error {
	if r.Prover == nil {
		return nil
	}
	for _, e := range r.engines {
		var list, opened []int
		claims := make([][]*testrunner.Case, len(r.Mutants))
		for i := range r.Mutants {
			switch r.result.Outcomes[i].Status {
			case Survived, Unknown, Outside:
			case Killed, Equivalent, Bare, Invalid:
				continue
			}
			claims[i] = e.claims(i)
			switch {
			case len(claims[i]) == 0:
			case e.changed[i] == nil:
				opened = append(opened, i)
			default:
				list = append(list, i)
			}
		}
		refute := func(ctx context.Context, _ *apart.Finder, number int, by pdp.Decider) error {
			return r.refute(ctx, e, number, by, claims[number])
		}
		if err := r.together(ctx, e, list, func(number int) []string { return actionsOf(claims[number]) }, refute); err != nil {
			return err
		}
		err := r.parallel(ctx, len(opened), func(ctx context.Context, finder *apart.Finder, n int) error {
			number := opened[n]
			by := r.opened[number]
			if !e.matrix || by == nil {
				var err error
				if by, err = r.Open(ctx, r.Mutants[number], e.now, e.globals); err != nil {
					return err
				}
			}
			return refute(ctx, finder, number, by)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// claims returns the sentences that an engine proves which a mutant may make fail.
func (e *engine) claims(number int) []*testrunner.Case {
	of := e.changed[number]
	if of == nil {
		return e.Claims
	}
	return slices.DeleteFunc(slices.Clone(e.Claims), func(c *testrunner.Case) bool {
		return !slices.ContainsFunc(c.Requests(), func(r authz.Request) bool { return of.Touches(&r) })
	})
}

// refute kills a mutant by one of the sentences that an engine proves.
func (r *runner) refute(ctx context.Context, e *engine, number int, by pdp.Decider, claims []*testrunner.Case) error {
	chance := r.chance(e, number, by)
	claims = slices.DeleteFunc(slices.Clone(claims), func(c *testrunner.Case) bool {
		return slices.ContainsFunc(c.Requests(), func(r authz.Request) bool { return chance(&r) })
	})
	p, err := r.Prover(ctx, by, e.now, e.globals)
	if err != nil {
		return err
	}
	failing, err := testrunner.Disproved(ctx, p, claims)
	if err == nil && failing != nil {
		r.end(number, Outcome{Status: Killed, By: []*testrunner.Case{failing}})
	}
	return err
}
