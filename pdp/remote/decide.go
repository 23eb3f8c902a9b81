package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cerbos/cerbos-sdk-go/cerbos"
	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	responsev1 "github.com/cerbos/cerbos/api/genpb/cerbos/response/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/wire"
)

// Decide answers each request, in order, in as few calls as the PDP's limits
// allow. If a call fails, the error is an *[authz.UndecidedError].
func (r *PDP) Decide(ctx context.Context, requests []authz.Request) ([]authz.Decision, error) {
	b, err := newBatch(requests)
	if err != nil {
		return nil, err
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(r.options.Concurrency)
	for _, a := range b.askers {
		for _, entries := range a.calls(r.options.MaxResources, r.options.MaxActions) {
			g.Go(recovering(func() error { return r.check(inner, a, entries) }))
		}
	}
	for _, p := range b.plans {
		g.Go(recovering(func() error { return r.plan(inner, p) }))
	}
	err = g.Wait()
	stale := false
	if err == nil {
		if err = r.steady(ctx, b); err == nil {
			err = r.sameVersion(ctx)
		}
		stale = err != nil // who decided what is not known
	}
	if err != nil {
		undecided := &authz.UndecidedError{Target: r.target(), Requests: len(requests), Err: err}
		for i := range b.questions {
			if stale || !b.questions[i].answered() {
				undecided.Undecided = append(undecided.Undecided, requests[i])
				undecided.At = append(undecided.At, i)
			}
		}
		return nil, undecided
	}
	decisions := make([]authz.Decision, len(requests))
	for i := range b.questions {
		decisions[i] = requests[i].Enforced(b.questions[i].decision(&requests[i]))
	}
	return decisions, nil
}

// sameVersion reports whether the PDP is still the one that was dialled.
func (r *PDP) sameVersion(ctx context.Context) error {
	up := slices.DeleteFunc(slices.Clone(r.replicas), func(p *replica) bool { return p.down.Load() })
	if len(up) == 0 {
		up = r.replicas
	}
	version, err := r.agreedVersion(ctx, up)
	if err == nil && version != r.version {
		err = fmt.Errorf("Cerbos %s was replaced by %s in the middle of the run", r.version, version) //nolint:staticcheck // a name
	}
	return err
}

// check makes one CheckResources call. Where a schema refused a resource with
// several actions, each is checked again by itself: the schema may be one that
// some of them do not mind, and which Cerbos applies to all or none.
func (r *PDP) check(ctx context.Context, a *asker, entries []checked) error {
	resources := cerbos.NewResourceBatch()
	for _, e := range entries {
		actions := make([]string, len(e.answers))
		for i, one := range e.answers {
			actions[i] = one.action
		}
		resources.Add(&cerbos.Resource{Obj: e.resource}, actions...)
	}
	var again []checked
	err := r.call(ctx, r.replicas, r.options.Retries, func(ctx context.Context, c *cerbos.GRPCClient) error {
		reply, err := c.With(a.options...).CheckResources(withTokens(ctx, a.tokens), a.principal, resources)
		if err != nil {
			return err
		}
		again, err = readReply(entries, reply.GetResults())
		return err
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(again, r.options.MaxResources) {
		if err := r.check(ctx, a, some); err != nil {
			return err
		}
	}
	return nil
}

// readReply fills in the answers. It returns the checks that have to be made
// again, one action at a time.
func readReply(entries []checked, results []*responsev1.CheckResourcesResponse_ResultEntry) (again []checked, err error) {
	if len(results) != len(entries) {
		return nil, fmt.Errorf("the reply is about %d resources, the call was about %d", len(results), len(entries))
	}
	for i, e := range entries {
		result := results[i]
		if id, kind := result.GetResource().GetId(), result.GetResource().GetKind(); id != e.resource.Id || kind != e.resource.Kind {
			return nil, fmt.Errorf("the reply is about %s %s in place of %s %s", kind, id, e.resource.Kind, e.resource.Id)
		}
		refused := wire.ValidationErrors(result.GetValidationErrors())
		for _, one := range e.answers {
			effect, ok := result.GetActions()[one.action]
			switch {
			case !ok:
				return nil, fmt.Errorf("the reply says nothing about %s on %s %s", one.action, e.resource.Kind, e.resource.Id)
			case effect != effectv1.Effect_EFFECT_ALLOW && effect != effectv1.Effect_EFFECT_DENY:
				return nil, fmt.Errorf("the reply says %v about %s on %s %s", effect, one.action, e.resource.Kind, e.resource.Id)
			case len(refused) > 0 && len(e.answers) > 1:
				again = append(again, checked{resource: e.resource, answers: []*answer{one}})
				continue
			case effect == effectv1.Effect_EFFECT_ALLOW:
				one.effect = authz.Allow
			}
			one.done, one.validation = true, refused
			one.noPolicy = wire.Uncovered(effect, result.GetMeta().GetActions()[one.action].GetMatchedPolicy())
		}
	}
	return again, nil
}

// plan makes a PlanResources call. One that denies is made again for each role
// by itself: Cerbos's planner applies a DENY of one role to the others too.
func (r *PDP) plan(ctx context.Context, p *planned) error {
	var err error
	if p.filter, err = r.planFor(ctx, p, p.asker.principal); err != nil {
		return err
	}
	roles := p.asker.principal.Roles()
	if p.filter.GetKind() == enginev1.PlanResourcesFilter_KIND_ALWAYS_DENIED && len(roles) > 1 {
		for _, role := range roles {
			of := p.asker.principal.Obj
			alone := &cerbos.Principal{Obj: &enginev1.Principal{
				Id: of.Id, Roles: []string{role}, Attr: of.Attr, PolicyVersion: of.PolicyVersion, Scope: of.Scope,
			}}
			filter, err := r.planFor(ctx, p, alone)
			if err != nil {
				return err
			}
			if filter.GetKind() != enginev1.PlanResourcesFilter_KIND_ALWAYS_DENIED {
				p.roles = append(p.roles, filter)
			}
		}
	}
	p.done = true
	return nil
}

func (r *PDP) planFor(ctx context.Context, p *planned, principal *cerbos.Principal) (*enginev1.PlanResourcesFilter, error) {
	var filter *enginev1.PlanResourcesFilter
	err := r.call(ctx, r.replicas, r.options.Retries, func(ctx context.Context, c *cerbos.GRPCClient) error {
		reply, err := c.With(p.asker.options...).PlanResources(withTokens(ctx, p.asker.tokens), principal, p.resource, p.action)
		if err != nil {
			return err
		}
		filter = reply.GetFilter()
		switch filter.GetKind() {
		case enginev1.PlanResourcesFilter_KIND_ALWAYS_ALLOWED, enginev1.PlanResourcesFilter_KIND_ALWAYS_DENIED:
			return nil
		case enginev1.PlanResourcesFilter_KIND_CONDITIONAL:
			if filter.GetCondition() == nil {
				return errors.New("the reply has a plan without its condition")
			}
			return nil
		case enginev1.PlanResourcesFilter_KIND_UNSPECIFIED:
		}
		return errors.New("the reply has no plan")
	})
	if status.Code(err) == codes.Internal {
		err = fmt.Errorf("%w; its log says why (it cannot plan a condition with optional values, like a.?b)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("plan %s on %s: %w", p.action, p.resource.Kind(), err)
	}
	return filter, nil
}

// A question is what a request needs to know from a PDP: the answer to a check,
// or for unknown arguments a plan and the answers to checks with no arguments
// and with some that nobody has heard of.
type question struct {
	known      *answer
	none, some *answer
	plan       *planned

	// A PDP is not asked about what it would not take for a request, nor about one that is
	// made of what is open.
	refusal *authz.Refusal
	made    []authz.Made
}

func (q *question) answered() bool {
	switch {
	case q.refusal != nil || q.made != nil:
		return true
	case q.plan == nil:
		return q.known.done
	}
	return q.none.done && q.some.done && q.plan.done
}

func (q *question) decision(r *authz.Request) authz.Decision {
	switch {
	case q.refusal != nil:
		return authz.Decision{Refusal: q.refusal}
	case q.made != nil:
		return authz.Decision{Effect: authz.Conditional, Condition: authz.Unwritten("(depends on what is made of " + q.made[0].On() + ", which a running PDP is not asked about)")}
	case q.plan == nil:
		return authz.Decision{Effect: q.known.effect, NoPolicy: q.known.noPolicy, Validation: q.known.validation}
	}
	d := authz.Decision{Validation: q.none.validation}
	if d.Effect, d.Condition = q.plan.effect(r); d.Effect == authz.Conditional {
		if r.OpenUncovered && (q.none.noPolicy || q.some.noPolicy) { // a plan does not say where
			d.Condition = authz.Unwritten("(passes where no policy covers it)")
		}
		return d
	}
	if q.none.effect == d.Effect && q.some.effect == d.Effect {
		d.NoPolicy = q.none.noPolicy && d.Effect == authz.Deny
		return d
	}
	d.Condition = q.disagreement(d.Effect)
	d.Effect = authz.Conditional
	return d
}

// disagreement stands for the condition that a plan did not see.
func (q *question) disagreement(planned authz.Effect) authz.Condition {
	switch {
	case len(q.none.validation)+len(q.some.validation) > 0:
		return oneClause("valid(arguments)")
	case q.none.effect == planned:
		return authz.Unwritten("(depends on which arguments are given)")
	case planned == authz.Allow:
		return authz.Unwritten("(denied without arguments)")
	}
	return authz.Unwritten("(allowed without arguments)")
}
