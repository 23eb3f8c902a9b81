package pdp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cerbos/cerbos-sdk-go/cerbos"
	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	responsev1 "github.com/cerbos/cerbos/api/genpb/cerbos/response/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
)

// An UndecidedError says which requests of a batch a PDP has not decided.
type UndecidedError struct {
	Target    string          // the PDP, or all of them
	Requests  int             // how many there were
	Undecided []authz.Request // in their order; never none
	Err       error           // why
}

// undecidedShown is how many requests an UndecidedError's text names.
const undecidedShown = 3

func (e *UndecidedError) Error() string {
	var names []string
	for _, r := range e.Undecided[:min(undecidedShown, len(e.Undecided))] {
		names = append(names, fmt.Sprintf("%s on %s %s for %s", r.Action, r.Resource.Kind, r.Resource.ID, r.Principal.Key))
	}
	if more := len(e.Undecided) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("PDP %s: %d of %d requests not decided (%s): %v",
		e.Target, len(e.Undecided), e.Requests, strings.Join(names, ", "), e.Err)
}

// Unwrap returns why.
func (e *UndecidedError) Unwrap() error { return e.Err }

// Decide answers each request, in order, in as few calls as the PDP's limits
// allow. If a call fails, the error is an *[UndecidedError].
func (r *Remote) Decide(ctx context.Context, requests []authz.Request) ([]authz.Decision, error) {
	b, err := newRemoteBatch(requests)
	if err != nil {
		return nil, err
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(r.options.Concurrency)
	for _, a := range b.askers {
		for _, entries := range a.calls(r.options.MaxResources, r.options.MaxActions) {
			g.Go(func() error { return r.check(inner, a, entries) })
		}
	}
	for _, p := range b.plans {
		g.Go(func() error { return r.plan(inner, p) })
	}
	err = g.Wait()
	stale := false
	if err == nil {
		if err = r.sameVersion(ctx); err != nil {
			stale = true // who decided what is not known
		}
	}
	if err != nil {
		undecided := &UndecidedError{Target: r.target(), Requests: len(requests), Err: err}
		for i := range b.questions {
			if stale || !b.questions[i].answered() {
				undecided.Undecided = append(undecided.Undecided, requests[i])
			}
		}
		return nil, undecided
	}
	decisions := make([]authz.Decision, len(requests))
	for i := range b.questions {
		decisions[i] = b.questions[i].decision(&requests[i])
	}
	return decisions, nil
}

// sameVersion reports whether the PDP is still the one that was dialled.
func (r *Remote) sameVersion(ctx context.Context) error {
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

// A remoteBatch is what a PDP has to be asked to decide a batch of requests.
type remoteBatch struct {
	askers    []*asker
	plans     []*planned
	questions []question // of the requests
}

// An asker is a principal that checks are made for.
type asker struct {
	principal *cerbos.Principal
	options   []cerbos.RequestOpt
	checks    []*checked // in the order of the requests
	byKey     map[string]*checked
	answers   map[string]*answer
	planByKey map[string]*planned
}

// A checked is a resource with the actions that are checked on it.
type checked struct {
	resource *enginev1.Resource
	answers  []*answer // one an action
}

// An answer is what a PDP said about one action.
type answer struct {
	action     string
	done       bool
	effect     authz.Effect
	noPolicy   bool
	validation []authz.ValidationError
}

// A planned is a resource and an action that a query plan is made for.
type planned struct {
	asker    *asker
	resource *cerbos.Resource
	action   string
	done     bool
	filter   *enginev1.PlanResourcesFilter
	roles    []*enginev1.PlanResourcesFilter // that one role by itself has, where filter denies to all
}

func newRemoteBatch(requests []authz.Request) (*remoteBatch, error) {
	b := &remoteBatch{questions: make([]question, len(requests))}
	askers := map[*authz.Principal]*asker{}
	for i := range requests {
		r := &requests[i]
		a := askers[r.Principal]
		if a == nil {
			var err error
			if a, err = newAsker(r.Principal); err != nil {
				return nil, err
			}
			askers[r.Principal] = a
			b.askers = append(b.askers, a)
		}
		if r.AnyPrincipal {
			return nil, fmt.Errorf("decide %s on %s %s: a PDP cannot be asked about anybody with a role", r.Action, r.Resource.Kind, r.Resource.ID)
		}
		if r.Resource.Kind == "" || r.Resource.ID == "" || r.Action == "" {
			return nil, fmt.Errorf("decide %q on %q %q: a PDP wants an action, a kind and an id", r.Action, r.Resource.Kind, r.Resource.ID)
		}
		attr, err := structpb.NewStruct(r.Resource.Attr)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", r.Resource.ID, err)
		}
		if b.questions[i], err = b.question(a, r, attr.GetFields()); err != nil {
			return nil, fmt.Errorf("resource %s: %w", r.Resource.ID, err)
		}
	}
	return b, nil
}

func newAsker(p *authz.Principal) (*asker, error) {
	switch {
	case p.ID == "":
		return nil, fmt.Errorf("principal %s has no id, which a PDP wants", p.Key)
	case len(p.Roles) == 0:
		return nil, fmt.Errorf("principal %s has no roles, of which a PDP wants one", p.Key)
	}
	attr, err := structpb.NewStruct(p.Attr)
	if err != nil {
		return nil, fmt.Errorf("principal %s: %w", p.Key, err)
	}
	a := &asker{byKey: map[string]*checked{}, answers: map[string]*answer{}, planByKey: map[string]*planned{}}
	a.principal = &cerbos.Principal{Obj: &enginev1.Principal{
		Id: p.ID, Attr: attr.GetFields(), PolicyVersion: p.PolicyVersion, Scope: p.Scope,
	}}
	for _, role := range p.Roles { // which a PDP wants to be different
		if !slices.Contains(a.principal.Obj.Roles, role) {
			a.principal.Obj.Roles = append(a.principal.Obj.Roles, role)
		}
	}
	a.options = []cerbos.RequestOpt{
		cerbos.IncludeMeta(true),      // whether any policy covers the resource
		cerbos.AllowPartialRequests(), // the PDP validates requests; that the SDK does so too costs a quarter of the time
	}
	if p.AuxData != nil {
		token, err := unsignedToken(p.AuxData)
		if err != nil {
			return nil, fmt.Errorf("principal %s: auxData: %w", p.Key, err)
		}
		a.options = append(a.options, cerbos.AuxDataJWT(token, ""))
	}
	return a, nil
}

// unsignedToken writes claims as a token. A PDP takes claims in no other form,
// and one that verifies tokens refuses it.
func unsignedToken(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(payload) + ".", nil
}

func (b *remoteBatch) question(a *asker, r *authz.Request, attr map[string]*structpb.Value) (question, error) {
	resource := func(attr map[string]*structpb.Value) *enginev1.Resource {
		return &enginev1.Resource{
			Kind: r.Resource.Kind, Id: r.Resource.ID, Attr: attr,
			PolicyVersion: r.Resource.PolicyVersion, Scope: r.Resource.Scope,
		}
	}
	var q question
	var err error
	if r.Unknown == nil {
		q.known, err = a.ask(resource(attr), r.Action)
		return q, err
	}
	if q.none, err = a.ask(resource(withArgumentsAt(attr, r.Unknown, &structpb.Struct{})), r.Action); err != nil {
		return q, err
	}
	if q.some, err = a.ask(resource(withArgumentsAt(attr, r.Unknown, unheardOf())), r.Action); err != nil {
		return q, err
	}
	q.plan, err = b.plan(a, resource(withoutArguments(attr, r.Unknown)), r.Action)
	return q, err
}

// ask adds an action to the checks, unless it is there.
func (a *asker) ask(resource *enginev1.Resource, action string) (*answer, error) {
	key, err := resourceKey(resource)
	if err != nil {
		return nil, err
	}
	one := a.answers[key+"\x00"+action]
	if one != nil {
		return one, nil
	}
	c := a.byKey[key]
	if c == nil {
		c = &checked{resource: resource}
		a.byKey[key] = c
		a.checks = append(a.checks, c)
	}
	one = &answer{action: action}
	a.answers[key+"\x00"+action] = one
	c.answers = append(c.answers, one)
	return one, nil
}

// plan adds a plan, unless it is there.
func (b *remoteBatch) plan(a *asker, resource *enginev1.Resource, action string) (*planned, error) {
	id := resource.Id
	resource.Id = "any" // which a plan does not look at
	key, err := resourceKey(resource)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	key += "\x00" + action
	p := a.planByKey[key]
	if p == nil {
		p = &planned{asker: a, resource: &cerbos.Resource{Obj: resource}, action: action}
		a.planByKey[key] = p
		b.plans = append(b.plans, p)
	}
	return p, nil
}

func resourceKey(r *enginev1.Resource) (string, error) {
	key, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	return string(key), err
}

// unheardOf returns arguments that no policy asks for, and that a schema which
// lists the arguments of a tool refuses.
func unheardOf() *structpb.Struct {
	return &structpb.Struct{Fields: map[string]*structpb.Value{"mcpolicy-unheard-of": structpb.NewBoolValue(true)}}
}

func withArgumentsAt(attr map[string]*structpb.Value, path []string, arguments *structpb.Struct) map[string]*structpb.Value {
	if len(path) == 0 {
		return arguments.GetFields()
	}
	return withValue(attr, path, structpb.NewStructValue(arguments))
}

// withoutArguments leaves out the attribute that the arguments stand in: a plan
// takes no part of an attribute to be unknown.
func withoutArguments(attr map[string]*structpb.Value, path []string) map[string]*structpb.Value {
	known := map[string]*structpb.Value{}
	for name, v := range attr {
		if len(path) > 0 && name != path[0] {
			known[name] = v
		}
	}
	return known
}

// calls splits the checks into calls within a PDP's limits.
func (a *asker) calls(maxResources, maxActions int) [][]checked {
	var entries []checked
	for _, c := range a.checks {
		for answers := range slices.Chunk(c.answers, maxActions) {
			entries = append(entries, checked{resource: c.resource, answers: answers})
		}
	}
	return slices.Collect(slices.Chunk(entries, maxResources))
}

// check makes one CheckResources call. Where a schema refused a resource with
// several actions, each is checked again by itself: the schema may be one that
// some of them do not mind, and which Cerbos applies to all or none.
func (r *Remote) check(ctx context.Context, a *asker, entries []checked) error {
	batch := cerbos.NewResourceBatch()
	for _, e := range entries {
		actions := make([]string, len(e.answers))
		for i, one := range e.answers {
			actions[i] = one.action
		}
		batch.Add(&cerbos.Resource{Obj: e.resource}, actions...)
	}
	var again []checked
	err := r.call(ctx, r.replicas, r.options.Retries, func(ctx context.Context, c *cerbos.GRPCClient) error {
		reply, err := c.With(a.options...).CheckResources(ctx, a.principal, batch)
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
		refused := validationErrors(result)
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
			one.noPolicy = result.GetMeta().GetActions()[one.action].GetMatchedPolicy() == noPolicy
		}
	}
	return again, nil
}

func validationErrors(result *responsev1.CheckResourcesResponse_ResultEntry) []authz.ValidationError {
	var list []authz.ValidationError
	for _, v := range result.GetValidationErrors() {
		list = append(list, validationError(v))
	}
	return list
}

// plan makes a PlanResources call. One that denies is made again for each role
// by itself: Cerbos's planner applies a DENY of one role to the others too.
func (r *Remote) plan(ctx context.Context, p *planned) error {
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

func (r *Remote) planFor(ctx context.Context, p *planned, principal *cerbos.Principal) (*enginev1.PlanResourcesFilter, error) {
	var filter *enginev1.PlanResourcesFilter
	err := r.call(ctx, r.replicas, r.options.Retries, func(ctx context.Context, c *cerbos.GRPCClient) error {
		reply, err := c.With(p.asker.options...).PlanResources(ctx, principal, p.resource, p.action)
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
}

func (q *question) answered() bool {
	if q.plan == nil {
		return q.known.done
	}
	return q.none.done && q.some.done && q.plan.done
}

func (q *question) decision(r *authz.Request) authz.Decision {
	if q.plan == nil {
		return authz.Decision{Effect: q.known.effect, NoPolicy: q.known.noPolicy, Validation: q.known.validation}
	}
	d := authz.Decision{Validation: q.none.validation}
	if d.Effect, d.Condition = q.plan.effect(r); d.Effect == authz.Conditional {
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
func (q *question) disagreement(planned authz.Effect) string {
	switch {
	case len(q.none.validation)+len(q.some.validation) > 0:
		return "valid(arguments)"
	case q.none.effect == planned:
		return "(depends on which arguments are given)"
	case planned == authz.Allow:
		return "(denied without arguments)"
	}
	return "(allowed without arguments)"
}
