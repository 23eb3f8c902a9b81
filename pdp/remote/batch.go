package remote

import (
	"fmt"
	"slices"

	"github.com/cerbos/cerbos-sdk-go/cerbos"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	requestv1 "github.com/cerbos/cerbos/api/genpb/cerbos/request/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/wire"
)

// A batch is what a PDP has to be asked to decide a batch of requests.
type batch struct {
	askers    []*asker
	plans     []*planned
	questions []question // of the requests
}

// An asker is a principal that checks are made for.
type asker struct {
	principal *cerbos.Principal
	options   []cerbos.RequestOpt
	tokens    *requestv1.AuxData
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

func newBatch(requests []authz.Request) (*batch, error) {
	b := &batch{questions: make([]question, len(requests))}
	askers := map[*authz.Principal]*asker{}
	for i := range requests {
		r := &requests[i]
		if r.AnyPrincipal {
			return nil, fmt.Errorf("decide %s on %s %s: a PDP cannot be asked about anybody with a role", r.Action, r.Resource.Kind, r.Resource.ID)
		}
		if r.AnyTime {
			return nil, fmt.Errorf("decide %s on %s %s: a PDP goes by its own clock", r.Action, r.Resource.Kind, r.Resource.ID)
		}
		sent, refusal := r.Sent()
		if !sent.Needs.IsZero() && sent.Made == nil {
			sent.Made = []authz.Made{{From: authz.Origin{"arguments"}}}
		}
		if refusal != nil || len(sent.Made) > 0 {
			b.questions[i] = question{refusal: refusal, made: sent.Made}
			continue
		}
		r = &sent
		a := askers[r.Principal]
		if a == nil {
			var err error
			if a, err = newAsker(r.Principal); err != nil {
				return nil, err
			}
			askers[r.Principal] = a
			b.askers = append(b.askers, a)
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
	if a.tokens, err = tokensOf(p); err != nil {
		return nil, fmt.Errorf("principal %s: auxData: %w", p.Key, err)
	}
	return a, nil
}

func (b *batch) question(a *asker, r *authz.Request, attr map[string]*structpb.Value) (question, error) {
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
func (b *batch) plan(a *asker, resource *enginev1.Resource, action string) (*planned, error) {
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
	return wire.WithValue(attr, path, structpb.NewStructValue(arguments))
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
