package mutation

import (
	"context"
	"errors"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Asserted is decisions of one engine that suites of Cerbos's own assert.
type Asserted struct {
	Decider pdp.Decider
	// Open opens the policies with a mutant's edit, with the options of the decider. What
	// the engine says against them is a [*LoadError].
	Open func(ctx context.Context, m *mutate.Mutant) (pdp.Decider, error)
	// Cases are cases of these suites that pass, and that the decider decides so.
	Cases []*testrunner.Case
}

// killAsserted says of the mutants that no other case kills what suites of Cerbos's own say
// to them.
func (r *runner) killAsserted(ctx context.Context) error {
	for i := range r.Asserted {
		a := &r.Asserted[i]
		e := &engine{Engine: testrunner.Engine{Decider: a.Decider}}
		if err := r.change(ctx, e); err != nil {
			return err
		}
		touched := func(number int) []*testrunner.Case {
			return slices.DeleteFunc(slices.Clone(a.Cases), func(c *testrunner.Case) bool { return !e.changed[number].Touches(&c.Check.Of.Request) })
		}
		actions := func(number int) []string {
			list := []string{} // not nil, which would be all
			for _, c := range touched(number) {
				list = append(list, c.Check.Action)
			}
			return list
		}
		err := r.together(ctx, e, r.left(), actions, func(ctx context.Context, _ *apart.Finder, number int, d pdp.Decider) error {
			return r.killChecked(ctx, number, d, touched(number))
		})
		if err != nil {
			return err
		}
		if err := r.killReopened(ctx, a, e); err != nil {
			return err
		}
	}
	return nil
}

// killReopened is killAsserted for the mutants whose changes the engine does not make.
func (r *runner) killReopened(ctx context.Context, a *Asserted, e *engine) error {
	var list []int
	for i := range r.Mutants {
		if !r.judged[i] && e.changed[i] == nil {
			list = append(list, i)
		}
	}
	return r.parallel(ctx, len(list), func(ctx context.Context, _ *apart.Finder, n int) error {
		number := list[n]
		d, err := a.Open(ctx, r.Mutants[number])
		var invalid *LoadError
		if errors.As(err, &invalid) {
			r.end(number, Outcome{Status: Invalid, Err: invalid.Err})
			return nil
		}
		if err != nil {
			return err
		}
		return r.killChecked(ctx, number, d, a.Cases)
	})
}

// killChecked has cases of Cerbos suites decided by a mutant.
func (r *runner) killChecked(ctx context.Context, number int, d pdp.Decider, cases []*testrunner.Case) error {
	requests := make([]authz.Request, len(cases))
	for i, c := range cases {
		requests[i] = c.Check.Of.Request
	}
	answers, err := d.Decide(ctx, requests)
	if err != nil {
		return err
	}
	var failing []*testrunner.Case
	for i, c := range cases {
		if answers[i].Effect != c.Check.Of.Want {
			failing = append(failing, c)
		}
	}
	if len(failing) > 0 {
		r.end(number, Outcome{Status: Killed, By: failing})
	}
	return nil
}
