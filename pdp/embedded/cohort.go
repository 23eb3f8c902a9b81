package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// A caller is a principal in the engine's form.
type caller struct {
	principal *enginev1.Principal
	auxData   *enginev1.AuxData
	cohort    *cohort
}

// A cohort is the principals that rules without conditions cannot tell apart:
// they have the same roles, scope and policy version, and where a principal
// policy is about one, it is the same one.
type cohort struct {
	principal *enginev1.Principal // one of them, without attributes
	at        []*cohortAt
}

// A cohortAt is what a cohort has asked at one address, without a value for any
// leaf.
type cohortAt struct {
	*cohort
	address
	actions  []string
	index    map[string]int // in actions
	outcomes []*assigned    // by action; nil while it is not known
}

// An address is what Cerbos chooses policies by, besides the principal.
type address struct{ kind, version, scope string }

// callers holds each principal of a batch.
type callers struct {
	engine *Engine
	known  map[*authz.Principal]*caller
}

func newCallers(e *Engine) *callers {
	return &callers{engine: e, known: map[*authz.Principal]*caller{}}
}

func (cs *callers) add(list []*authz.Principal) error {
	for _, p := range list {
		if _, ok := cs.known[p]; ok {
			continue
		}
		attr, err := structpb.NewStruct(p.Attr)
		if err != nil {
			return fmt.Errorf("principal %s: %w", p.Key, err)
		}
		c := &caller{principal: &enginev1.Principal{
			Id: p.ID, Roles: cs.engine.rolesOf(p), Attr: attr.GetFields(), PolicyVersion: p.PolicyVersion, Scope: p.Scope,
		}}
		if c.auxData, err = engineAuxData(p); err != nil {
			return fmt.Errorf("principal %s: auxData: %w", p.Key, err)
		}
		c.cohort = cs.engine.shape.cohortOf(c.principal)
		cs.known[p] = c
	}
	return nil
}

// engineAuxData returns the auxiliary data of a principal's requests as the
// engine takes it.
func engineAuxData(p *authz.Principal) (*enginev1.AuxData, error) {
	if p.AuxData == nil && p.JWTs == nil {
		return nil, nil
	}
	jwt, err := structpb.NewStruct(p.AuxData)
	if err != nil {
		return nil, err
	}
	aux := &enginev1.AuxData{Jwt: jwt.GetFields()}
	for name, token := range p.JWTs {
		claims, err := structpb.NewStruct(token)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if aux.Jwts == nil {
			aux.Jwts = map[string]*enginev1.AuxData_JWT{}
		}
		aux.Jwts[name] = &enginev1.AuxData_JWT{Claims: claims.GetFields()}
	}
	return aux, nil
}

// cohortKey is the same for principals of one cohort.
func (e *Engine) cohortKey(p *enginev1.Principal) string {
	id := ""
	if e.principalPolicies[p.Id] {
		id = p.Id
	}
	return strings.Join(append([]string{p.PolicyVersion, p.Scope, id}, p.Roles...), "\x00")
}

// cohortOf returns the cohort of a principal.
func (s *structureTable) cohortOf(p *enginev1.Principal) *cohort {
	key := s.engine.cohortKey(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cohorts[key]
	if c == nil {
		c = &cohort{principal: &enginev1.Principal{Id: p.Id, Roles: p.Roles, PolicyVersion: p.PolicyVersion, Scope: p.Scope}}
		s.cohorts[key] = c
	}
	return c
}

// asked returns what the cohort has asked at an address, and the number there of
// an action.
func (c *cohort) asked(at address, action string) (*cohortAt, int) {
	i := slices.IndexFunc(c.at, func(r *cohortAt) bool { return r.address == at })
	if i < 0 {
		i = len(c.at)
		c.at = append(c.at, &cohortAt{cohort: c, address: at, index: map[string]int{}})
	}
	r := c.at[i]
	n, ok := r.index[action]
	if !ok {
		n = len(r.actions)
		r.index[action] = n
		r.actions = append(r.actions, action)
		r.outcomes = append(r.outcomes, nil)
	}
	return r, n
}

// An answerAt is where an answer will be.
type answerAt struct {
	*cohortAt
	action int
}

// settle answers the requests to which no condition matters, with a check for
// each cohort instead of each principal.
func (s *structureTable) settle(ctx context.Context, callers *callers, requests []pdp.SharedRequest, answers [][]*authz.Decision) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := range requests {
		n += len(requests[i].Of)
	}
	found := make([]answerAt, 0, n) // by request and principal
	unknown := map[*cohortAt]bool{}
	for i := range requests {
		r := &requests[i]
		if r.Made != nil {
			continue // it may be no request at all
		}
		at := address{r.Resource.Kind, r.Resource.PolicyVersion, r.Resource.Scope}
		for _, p := range r.Of {
			asked, n := callers.known[p].cohort.asked(at, r.Action)
			found = append(found, answerAt{asked, n})
			if asked.outcomes[n] == nil {
				unknown[asked] = true
			}
		}
	}
	if err := s.askAll(ctx, unknown); err != nil {
		return err
	}
	for i := range answers {
		for j := range answers[i] {
			if requests[i].Made != nil {
				continue
			}
			answers[i][j] = found[0].outcomes[found[0].action].settled
			found = found[1:]
		}
	}
	return nil
}

// A batch is some actions of a cohort at an address that are asked about at once.
type batch struct {
	*cohortAt
	at []int
}

// askAll asks everything that is not known yet.
func (s *structureTable) askAll(ctx context.Context, unknown map[*cohortAt]bool) error {
	var batches []batch
	for r := range unknown {
		var plain []int
		for i, action := range r.actions {
			switch {
			case r.outcomes[i] != nil:
			case s.mayMatter(r.principal, r.version, action):
				batches = append(batches, batch{r, []int{i}})
			default:
				plain = append(plain, i)
			}
		}
		for chunk := range slices.Chunk(plain, batchSize) {
			batches = append(batches, batch{r, chunk})
		}
	}
	return s.engine.parallel(ctx, len(batches), func(ctx context.Context, from, to int) error {
		for _, b := range batches[from:to] {
			if err := s.askBatch(ctx, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// askBatch asks about the actions of a batch, without a value for any leaf.
func (s *structureTable) askBatch(ctx context.Context, b batch) error {
	actions := make([]string, len(b.at))
	for i, a := range b.at {
		actions[i] = b.actions[a]
	}
	outcomes, err := s.ask(ctx, b.principal, b.address, actions, nil)
	if errors.Is(err, errWanted) {
		for _, a := range b.at {
			if err := s.askBatch(ctx, batch{b.cohortAt, []int{a}}); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	for i, a := range b.at {
		b.outcomes[a] = outcomes[i]
	}
	return nil
}

// engineResource returns a resource as the engine takes it. What is unknown is
// left out.
func engineResource(r *authz.Resource) (*enginev1.Resource, error) {
	attr, err := structpb.NewStruct(r.Attr)
	if err != nil {
		return nil, fmt.Errorf("resource %s: %w", r.ID, err)
	}
	return &enginev1.Resource{
		Kind: r.Kind, Id: r.ID, Attr: attr.GetFields(), PolicyVersion: r.PolicyVersion, Scope: r.Scope,
	}, nil
}

// inputs returns requests as the engine takes them. What is unknown is left
// out.
func (e *Engine) inputs(requests []authz.Request) ([]*enginev1.CheckInput, error) {
	cs := newCallers(e)
	inputs := make([]*enginev1.CheckInput, len(requests))
	for i := range requests {
		r := &requests[i]
		if r.Made != nil || r.By != nil { // whoever asks knows whether it is valid
			sent, _ := r.Sent()
			r = &sent
		}
		if err := cs.add([]*authz.Principal{r.Principal}); err != nil {
			return nil, err
		}
		resource, err := engineResource(&r.Resource)
		if err != nil {
			return nil, err
		}
		c := cs.known[r.Principal]
		inputs[i] = &enginev1.CheckInput{Principal: c.principal, AuxData: c.auxData, Resource: resource, Actions: []string{r.Action}}
	}
	return inputs, nil
}
