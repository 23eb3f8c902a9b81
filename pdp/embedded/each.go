package embedded

import (
	"context"
	"fmt"
	"runtime"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// Decide answers each request, in order, on all cores.
func (e *Engine) Decide(ctx context.Context, requests []authz.Request) ([]authz.Decision, error) {
	return each(ctx, e, requests)
}

// each decides requests of one principal each.
func each(ctx context.Context, d pdp.Sharer, requests []authz.Request) ([]authz.Decision, error) {
	shared := make([]pdp.SharedRequest, len(requests))
	for i := range requests {
		shared[i] = pdp.SharedRequest{Request: requests[i], Of: []*authz.Principal{requests[i].Principal}}
	}
	answers, err := d.Each(ctx, shared)
	if err != nil {
		return nil, err
	}
	decisions := make([]authz.Decision, len(requests))
	for i := range decisions {
		decisions[i] = *answers[i][0]
	}
	return decisions, nil
}

// Each answers every request for each of its principals, and asks only what it has to:
// where no condition takes part, all principals with the same roles share one answer.
// It answers what needs no condition from the structure table, and then, one
// by one, what is left.
func (e *Engine) Each(ctx context.Context, requests []pdp.SharedRequest) ([][]*authz.Decision, error) {
	routed := route(requests, e.destinations)
	if routed == nil {
		return e.each(ctx, requests)
	}
	answers, err := e.each(ctx, routed.requests)
	if err != nil {
		return nil, err
	}
	return routed.answers(requests, answers), nil
}

// each is Each of requests that go to the same policies whoever asks.
func (e *Engine) each(ctx context.Context, requests []pdp.SharedRequest) ([][]*authz.Decision, error) {
	callers := newCallers(e)
	answers := make([][]*authz.Decision, len(requests))
	kinds := make([]string, len(requests))
	for i := range requests {
		kinds[i] = requests[i].Resource.Kind
	}
	e.reach.with(kinds...) // all at once, before tables are loaded
	for i := range requests {
		answers[i] = make([]*authz.Decision, len(requests[i].Of))
		if err := callers.add(requests[i].Of); err != nil {
			return nil, err
		}
	}
	if !e.minded() {
		if err := e.shape.settle(ctx, callers, requests, answers); err != nil {
			return nil, err
		}
	}
	var open []pair
	for i := range answers {
		for j, d := range answers[i] {
			if d == nil {
				open = append(open, pair{i, j})
			}
		}
	}
	err := e.parallel(ctx, len(open), func(ctx context.Context, from, to int) error {
		return e.decideOpen(ctx, callers, requests, open[from:to], answers)
	})
	if err != nil {
		return nil, err
	}
	for i := range requests {
		enforce(&requests[i].Request, answers[i])
	}
	return answers, nil
}

// enforce makes of the answers to a request what the enforcement point does. Answers that
// are the same stay the same.
func enforce(r *authz.Request, answers []*authz.Decision) {
	if !r.OpenUncovered && r.Needs.IsZero() {
		return
	}
	known := map[*authz.Decision]*authz.Decision{}
	for i, d := range answers {
		if known[d] == nil {
			enforced := r.Enforced(*d)
			if !r.Needs.IsZero() && enforced.Effect != authz.Deny {
				fitting(&enforced, []string{r.Needs.String()})
			}
			known[d] = &enforced
		}
		answers[i] = known[d]
	}
}

// minded reports whether a schema has a say, so that attributes matter even
// where no condition does.
func (e *Engine) minded() bool {
	return e.options.Schemas != pdp.EnforceNone && len(e.schemas.table.Schemas) > 0
}

// A pair is a request and one of its principals, by their numbers.
type pair struct{ request, of int }

// batchSize is how many requests a worker takes at once: enough to make taking
// them cheap, few enough to keep all cores busy to the end.
const batchSize = 64

// parallel calls f for n things, some at a time, on all cores.
func (e *Engine) parallel(ctx context.Context, n int, f func(ctx context.Context, from, to int) error) error {
	workers := e.options.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for from := 0; from < n; from += batchSize {
		g.Go(func() (err error) {
			defer tables.RecoverAs(&err, "decide")
			if err := ctx.Err(); err != nil {
				return err
			}
			return f(ctx, from, min(from+batchSize, n))
		})
	}
	return g.Wait()
}

// decideOpen decides pairs that depend on more than roles.
func (e *Engine) decideOpen(ctx context.Context, callers *callers, requests []pdp.SharedRequest, open []pair, answers [][]*authz.Decision) error {
	var closed []*enginev1.CheckInput
	var at []pair
	var resource *enginev1.Resource
	for i, x := range open {
		shared := &requests[x.request]
		r := shared.Request
		r.Principal = shared.Of[x.of]
		if shared.Made != nil {
			sent, refusal := r.Sent()
			if refusal != nil {
				answers[x.request][x.of] = &authz.Decision{Refusal: refusal}
				continue
			}
			r = sent
		}
		if i == 0 || open[i-1].request != x.request || shared.Made != nil {
			var err error
			if resource, err = engineResource(&r.Resource); err != nil {
				return err
			}
		}
		c := callers.known[r.Principal]
		in := &enginev1.CheckInput{Principal: c.principal, AuxData: c.auxData, Resource: resource, Actions: []string{r.Action}}
		if r.Unknown == nil && !r.AnyPrincipal && !r.AnyTime {
			closed, at = append(closed, in), append(at, x)
			continue
		}
		s, err := e.solver(&r)
		if err != nil {
			return err
		}
		d, err := s.decide(ctx, &r, in)
		if err != nil {
			return fmt.Errorf("decide %s on %s %s: %w", r.Action, r.Resource.Kind, r.Resource.ID, err)
		}
		answers[x.request][x.of] = &d
	}
	if len(closed) == 0 {
		return nil
	}
	outputs, err := e.decide(ctx, closed)
	if err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	for i, out := range outputs {
		d := decisionOf(closed[i].Actions[0], out)
		if d.Rules, err = e.rulesOfAllRoles(ctx, closed[i], out); err != nil {
			return err
		}
		answers[at[i].request][at[i].of] = &d
	}
	return nil
}
