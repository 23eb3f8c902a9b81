package remote

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/stats"
)

// A PDP does not tell which policies it has, so that they are replaced in the
// middle of a run shows only by what it decides. Some of what it was asked is
// asked again in the end, and all of it where a connection is a new one: who is
// behind that may have started since.

const (
	sampled = 32 // one call of so many is made again
	kept    = 8  // calls that are made again after every later batch, too
)

// A steadiness knows what tells that a PDP is not what it was.
type steadiness struct {
	begun   atomic.Int64 // connections
	trusted atomic.Int64 // how many of them had begun when all was last known to be well

	mu   sync.Mutex
	kept []func(context.Context) error
}

// HandleConn counts connections.
func (s *steadiness) HandleConn(_ context.Context, c stats.ConnStats) {
	if _, ok := c.(*stats.ConnBegin); ok {
		s.begun.Add(1)
	}
}

// TagConn, TagRPC and HandleRPC have nothing to do.
func (s *steadiness) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (s *steadiness) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (s *steadiness) HandleRPC(context.Context, stats.RPCStats)                       {}

// steady reports whether the PDP still decides what it decided in a batch, and
// in those before.
func (r *PDP) steady(ctx context.Context, b *batch) error {
	var calls []func(context.Context) error
	for _, a := range b.askers {
		for _, entries := range a.calls(r.options.MaxResources, r.options.MaxActions) {
			calls = append(calls, func(ctx context.Context) error { return r.checkAgain(ctx, a, entries) })
		}
	}
	for _, p := range b.plans {
		calls = append(calls, func(ctx context.Context) error { return r.planAgain(ctx, p) })
	}
	s := &r.steadiness
	begun := s.begun.Load()
	renewed := begun != s.trusted.Load()
	var again []func(context.Context) error
	for i, call := range calls {
		if renewed || i%sampled == 0 {
			again = append(again, call)
		}
	}
	s.mu.Lock()
	if renewed || len(calls) >= sampled {
		again = append(again, s.kept...)
	}
	s.kept = append(s.kept, calls[:min(len(calls), kept-len(s.kept), 2)]...)
	s.mu.Unlock()
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(r.options.Concurrency)
	for _, call := range again {
		g.Go(recovering(func() error { return call(inner) }))
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.trusted.Store(begun)
	return nil
}

// checkAgain makes a check again and compares the answers.
func (r *PDP) checkAgain(ctx context.Context, a *asker, entries []checked) error {
	fresh := make([]checked, len(entries))
	for i, e := range entries {
		fresh[i].resource = e.resource
		for _, one := range e.answers {
			fresh[i].answers = append(fresh[i].answers, &answer{action: one.action})
		}
	}
	if err := r.check(ctx, a, fresh); err != nil {
		return err
	}
	for i, e := range entries {
		for k, one := range e.answers {
			if now := fresh[i].answers[k]; now.effect != one.effect || now.noPolicy != one.noPolicy {
				return r.changed(a, one.action, e.resource.GetKind(), e.resource.GetId())
			}
		}
	}
	return nil
}

// planAgain makes a plan again and compares it.
func (r *PDP) planAgain(ctx context.Context, p *planned) error {
	filter, err := r.planFor(ctx, p, p.asker.principal)
	if err != nil {
		return err
	}
	if !samePlan(filter, p.filter) {
		return r.changed(p.asker, p.action, p.resource.Kind(), "")
	}
	return nil
}

// samePlan compares plans by what they are made of: a plan may come in another
// order each time.
func samePlan(a, b *enginev1.PlanResourcesFilter) bool {
	return a.GetKind() == b.GetKind() && slices.Equal(partsOf(a.GetCondition(), nil), partsOf(b.GetCondition(), nil))
}

// partsOf adds the operators, names and values of a part of a plan to a list,
// and sorts it.
func partsOf(o *operand, list []string) []string {
	switch n := o.GetNode().(type) {
	case *enginev1.PlanResourcesFilter_Expression_Operand_Expression:
		list = append(list, n.Expression.GetOperator())
		for _, x := range n.Expression.GetOperands() {
			list = partsOf(x, list)
		}
	case *enginev1.PlanResourcesFilter_Expression_Operand_Variable:
		list = append(list, n.Variable)
	case *enginev1.PlanResourcesFilter_Expression_Operand_Value:
		list = append(list, fmt.Sprint(n.Value.AsInterface())) // maps are printed in order
	}
	slices.Sort(list)
	return list
}

func (r *PDP) changed(a *asker, action, kind, id string) error {
	if id != "" {
		kind += " " + id
	}
	return fmt.Errorf("PDP %s decides %s on %s for %s otherwise than it did before: its policies were replaced in the middle of the run, or are not those of its replicas",
		r.target(), action, kind, a.principal.ID())
}
