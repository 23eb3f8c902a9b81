package pdp

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
)

// structure asks the engine what a request comes to for given values of the
// leaves. Answers are kept: they depend on the principal's roles and on the
// values, not on any attribute.
type structure struct {
	engine *Engine
	check  checkFunc
	mu     sync.RWMutex
	known  map[string]*outcome
}

// An outcome is the engine's answer for one assignment of values to leaves.
type outcome struct {
	allowed  bool
	noPolicy bool
	rules    []authz.RuleRef
	wanted   []int // leaves that the engine asked for and that had no value
}

// An assignment gives leaves values. A leaf without one errors.
type assignment map[int]bool

// key identifies what the structure table's answer depends on.
func (s *structure) key(in *enginev1.CheckInput, byID bool, values assignment) string {
	var b strings.Builder
	write := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
			b.WriteByte(0)
		}
	}
	write(in.Actions[0], in.Resource.Kind, in.Resource.PolicyVersion, in.Resource.Scope, in.Principal.PolicyVersion, in.Principal.Scope)
	if byID {
		write(in.Principal.Id)
	}
	write("")
	write(in.Principal.Roles...)
	write("")
	leaves := make([]int, 0, len(values))
	for l := range values {
		leaves = append(leaves, l)
	}
	slices.Sort(leaves)
	for _, l := range leaves {
		write(strconv.Itoa(l), strconv.FormatBool(values[l]))
	}
	return b.String()
}

func (s *structure) ask(ctx context.Context, in *enginev1.CheckInput, byID bool, values assignment) (*outcome, error) {
	key := s.key(in, byID, values)
	s.mu.RLock()
	o := s.known[key]
	s.mu.RUnlock()
	if o != nil {
		return o, nil
	}
	attr := make(map[string]*structpb.Value, len(values))
	for l, v := range values {
		attr[leafAttr+strconv.Itoa(l)] = structpb.NewBoolValue(v)
	}
	input := &enginev1.CheckInput{
		Principal: in.Principal, Actions: in.Actions,
		Resource: &enginev1.Resource{
			Kind: in.Resource.Kind, Id: in.Resource.Id, Attr: attr,
			PolicyVersion: in.Resource.PolicyVersion, Scope: in.Resource.Scope,
		},
	}
	outputs, err := s.check(ctx, []*enginev1.CheckInput{input})
	if err != nil {
		return nil, err
	}
	rules, err := s.engine.rulesOfAllRoles(ctx, s.check, input, outputs[0])
	if err != nil {
		return nil, err
	}
	effect := outputs[0].GetActions()[in.Actions[0]]
	o = &outcome{
		allowed:  effect.GetEffect() == effectv1.Effect_EFFECT_ALLOW,
		noPolicy: effect.GetPolicy() == noPolicy,
		rules:    rules,
	}
	for _, e := range outputs[0].GetEvaluationErrors() {
		if n, ok := strings.CutPrefix(e.GetCelError().GetExpression(), "R.attr."+leafAttr); ok {
			if l, err := strconv.Atoi(n); err == nil {
				o.wanted = append(o.wanted, l)
			}
		}
	}
	slices.Sort(o.wanted)
	o.wanted = slices.Compact(o.wanted)
	s.mu.Lock()
	s.known[key] = o
	s.mu.Unlock()
	return o, nil
}
