package embedded

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
	"github.com/mcpolicy/mcpolicy/pdp/wire"
)

// A structureTable asks the engine what a request comes to for given values of the
// leaves. Answers are kept: they depend on the principal's roles and on the
// values, not on any attribute.
type structureTable struct {
	engine *Engine
	check  checkFunc
	// mayMatter reports whether a condition may matter to an action of a principal, of a
	// resource of a version.
	mayMatter func(p *enginev1.Principal, version, action string) bool

	known cache[*assigned] // with values for leaves

	mu      sync.Mutex
	cohorts map[string]*cohort // what is known without

	deciding  sync.Mutex
	decisions map[string]*authz.Decision // the settled ones
}

// assigned is the engine's answer for one assignment of values to leaves.
type assigned struct {
	allowed  bool
	noPolicy bool
	policy   string // that Cerbos names as the one that decided
	rules    []authz.RuleRef
	wanted   []int // leaves that the engine asked for and that had no value
	// settled is the decision, if no leaf matters: neither to the effect nor to
	// whether a rule applies, of any of the roles.
	settled *authz.Decision
}

// An assignment gives leaves values. A leaf without one errors.
type assignment map[int]bool

// key identifies what the structure table's answer depends on.
func (s *structureTable) key(cohort string, at address, action string, values assignment) string {
	var b strings.Builder
	b.Grow(len(cohort) + len(at.kind) + len(at.version) + len(at.scope) + len(action) + 16 + 8*len(values))
	for _, part := range []string{cohort, at.kind, at.version, at.scope, action} {
		b.WriteString(strconv.Itoa(len(part)))
		b.WriteByte(':')
		b.WriteString(part)
	}
	leaves := make([]int, 0, len(values))
	for l := range values {
		leaves = append(leaves, l)
	}
	slices.Sort(leaves)
	for _, l := range leaves {
		b.WriteString(strconv.Itoa(l))
		b.WriteString(strconv.FormatBool(values[l])[:1])
	}
	return b.String()
}

// with returns the answer about one action, with values for some leaves.
func (s *structureTable) with(ctx context.Context, in *enginev1.CheckInput, values assignment) (*assigned, error) {
	at := address{in.Resource.Kind, in.Resource.PolicyVersion, in.Resource.Scope}
	if len(values) == 0 {
		if o := s.without(in.Principal, at, in.Actions[0]); o != nil {
			return o, nil
		}
	}
	key := s.key(s.engine.cohortKey(in.Principal), at, in.Actions[0], values)
	return s.known.get(key, func() (*assigned, error) {
		outcomes, err := s.ask(ctx, in.Principal, at, in.Actions, values)
		if err != nil {
			return nil, err
		}
		return outcomes[0], nil
	})
}

// without returns what is known about an action without a value for any leaf,
// or nil.
func (s *structureTable) without(p *enginev1.Principal, at address, action string) *assigned {
	c := s.cohortOf(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	r, n := c.asked(at, action)
	return r.outcomes[n]
}

// errWanted says that of several actions some depend on leaves, and that there
// is no telling which.
var errWanted = errors.New("a condition that the policies' actions do not show")

// ask has the engine answer about each action. More than one may only be asked
// about at once if conditions do not matter to them.
func (s *structureTable) ask(ctx context.Context, p *enginev1.Principal, at address, actions []string, values assignment) ([]*assigned, error) {
	attr := make(map[string]*structpb.Value, len(values))
	for l, v := range values {
		attr[tables.LeafName(l)] = structpb.NewBoolValue(v)
	}
	in := &enginev1.CheckInput{Principal: p, Actions: actions, Resource: &enginev1.Resource{
		Kind: at.kind, Id: "any", Attr: attr, PolicyVersion: at.version, Scope: at.scope,
	}}
	outputs, err := s.check(ctx, append([]*enginev1.CheckInput{in}, s.engine.byRole(in)...))
	if err != nil {
		return nil, err
	}
	wanted := tables.WantedLeaves(outputs[0])
	settled := !slices.ContainsFunc(outputs, func(out *enginev1.CheckOutput) bool { return len(tables.WantedLeaves(out)) > 0 })
	if len(actions) > 1 && !settled {
		return nil, errWanted
	}
	refs := map[string][]authz.RuleRef{} // most actions have none
	for _, out := range outputs {
		for _, o := range out.GetOutputs() {
			refs[o.GetAction()] = append(refs[o.GetAction()], tables.RuleRef(o))
		}
	}
	outcomes := make([]*assigned, len(actions))
	for i, action := range actions {
		effect := outputs[0].GetActions()[action]
		o := &assigned{
			allowed:  effect.GetEffect() == effectv1.Effect_EFFECT_ALLOW,
			noPolicy: wire.Uncovered(effect.GetEffect(), effect.GetPolicy()),
			policy:   effect.GetPolicy(),
			rules:    mergeRefs(refs[action]),
			wanted:   wanted,
		}
		if settled {
			o.settled = s.decision(o)
		}
		outcomes[i] = o
	}
	return outcomes, nil
}

// decision returns the decision that an outcome is by itself. There is one of
// each, so that whoever gets many can tell by the pointer which are the same.
func (s *structureTable) decision(o *assigned) *authz.Decision {
	key := make([]byte, 0, 64)
	key = strconv.AppendBool(key, o.allowed)
	key = strconv.AppendBool(key, o.noPolicy)
	for _, r := range o.rules {
		key = append(append(key, 0), r.ID...)
		key = append(key, '0'+byte(r.Effect), '0'+byte(r.Met))
	}
	s.deciding.Lock()
	defer s.deciding.Unlock()
	d := s.decisions[string(key)]
	if d == nil {
		d = &authz.Decision{NoPolicy: o.noPolicy, Rules: o.rules}
		if o.allowed {
			d.Effect = authz.Allow
		}
		s.decisions[string(key)] = d
	}
	return d
}
