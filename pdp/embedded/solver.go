package embedded

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
	"github.com/mcpolicy/mcpolicy/source"
)

// A solver decides requests whose arguments are unknown, for one place where
// the arguments stand.
type solver struct {
	engine   *Engine
	kinds    *resourceKinds // of requests that it decides; other leaves are not taken apart
	unknown  []string
	making   *expr.Making
	evaluate checkFunc      // the value table
	leaves   []*tables.Leaf // those of the tables, and further ones
	parts    []*cel.Parts   // by leaf
	reads    []*cel.Reads   // by leaf
	roles    []*roleReads   // by leaf

	known   cache[residual]
	clauses cache[authz.Clause] // by their texts
}

// A residual is what is left of a leaf for one principal and resource: a
// constant, or CEL for when it is true and for when it is false. Where it is
// neither, it errors.
type residual struct {
	constant bool
	value    bool
	errored  bool   // constant, and an error rather than false
	whenTrue string // "" for never
	// whenFalse is only needed, and only set, when evaluation is strict.
	// Otherwise whatever is not true is false.
	whenFalse string
}

// solver returns the engine's solver for what a request leaves open, making it
// and the tables that it needs on first use.
func (e *Engine) solver(r *authz.Request) (*solver, error) {
	unknown := r.Unknown
	key := fmt.Sprint(strings.Join(unknown, "\x00"), r.AnyPrincipal, r.AnyTime, r.MadeKey())
	e.solving.Lock()
	defer e.solving.Unlock()
	if s := e.solvers[key]; s != nil && s.kinds.has(r.Resource.Kind) {
		return s, nil
	}
	s := &solver{engine: e, kinds: e.reach.with(r.Resource.Kind), unknown: unknown, leaves: slices.Clone(e.tables.Leaves)}
	reached := s.kinds.policies(e.tables.Rows)
	s.making = &expr.Making{Parts: r.Made, Arguments: r.Arguments}
	opened := &cel.Openness{Unknown: unknown, Principal: r.AnyPrincipal, Clock: r.AnyTime, Globals: e.options.Globals, Making: s.making}
	opened.RuntimeOpen = e.derivedRolesOpen(opened)
	for i := 0; i < len(s.leaves); i++ { // there may come more
		l := s.leaves[i]
		if !reached[l.Row.OriginFqn] {
			s.parts, s.roles, s.reads = append(s.parts, &cel.Parts{}), append(s.roles, nil), append(s.reads, &cel.Reads{})
			continue
		}
		of := opened.With(l.Row.Params.GetOrderedVariables(), l.Row.Params.GetConstants())
		reads := cel.ReadsWith(l.Text, l.Row.Params)
		p, roles := s.takeApart(l, of, reads)
		s.parts, s.roles, s.reads = append(s.parts, p), append(s.roles, roles), append(s.reads, reads)
	}
	values := make([]tables.LeafValues, len(s.leaves))
	for i, l := range s.leaves {
		values[i] = tables.LeafValues{Row: l.Row, Texts: s.parts[i].Evaluate, Held: s.roles[i] != nil}
	}
	var err error
	if s.evaluate, err = e.narrowedTable(e.tables.Values(values), pdp.EnforceNone); err != nil {
		return nil, fmt.Errorf("load the parts of conditions: %w", err)
	}
	e.solvers[key] = s
	return s, nil
}

// takeApart takes a leaf apart. The list of derived roles, if the leaf reads it
// and it depends on what is unknown, is closed where it can be known.
func (s *solver) takeApart(l *tables.Leaf, o *cel.Openness, reads *cel.Reads) (*cel.Parts, *roleReads) {
	if l.Expr != nil {
		return o.TakeExprApart(s.making.Of(l.Expr)), nil
	}
	if o.RuntimeOpen && reads.DerivedRoles {
		if expr, roles, ok := s.readRoles(l, o); ok {
			return o.TakeExprApart(expr), roles
		}
	}
	return o.TakeApart(s.making.Text(l.Text)), nil
}

// decide asks the engine about every combination of what its expressions may
// come to.
func (s *solver) decide(ctx context.Context, r *authz.Request, in *enginev1.CheckInput) (authz.Decision, error) {
	x := &exploration{
		solver: s, request: r, in: in,
		groups: map[residual]int{}, leaves: map[string]leafState{}, held: map[int][]string{},
	}
	if err := x.explore(ctx, assignment{}, nil); err != nil {
		return authz.Decision{}, err
	}
	d := x.decision()
	s.fit(&d, r)
	if err := s.engine.applySchemas(ctx, r, in, s.unknown, &d); err != nil {
		return authz.Decision{}, err
	}
	return d, nil
}

// fit narrows a decision to what makes a request that an engine takes.
func (s *solver) fit(d *authz.Decision, r *authz.Request) {
	if d.Effect == authz.Deny {
		return
	}
	who := r.Principal
	if r.AnyPrincipal {
		who = nil
	}
	var valid []string
	for i := range s.making.Parts {
		if e := s.making.Fits(&s.making.Parts[i], who); e != nil {
			valid = append(valid, expr.Print(expr.Shorten(e, s.unknown)))
		}
	}
	fitting(d, valid)
}

// residualOf evaluates what is known of a leaf, with the derived roles that it
// reads.
func (s *solver) residualOf(ctx context.Context, l int, roles effective, r *authz.Request, in *enginev1.CheckInput) (residual, error) {
	key := strconv.Itoa(l) + "\x00" + rolesKey(roles) + "\x00" + s.reads[l].Values(r) + s.madeOf(r.Principal)
	return s.known.get(key, func() (residual, error) {
		p := s.parts[l]
		values, err := s.valuesOf(ctx, l, roles, in)
		if err != nil {
			return residual{}, err
		}
		strict := s.engine.options.StrictEvaluation
		return s.residual(p.When(true, values, strict), p.When(false, values, strict)), nil
	})
}

// madeOf renders what of a principal the parts of requests are made of, as a cache key.
func (s *solver) madeOf(who *authz.Principal) string {
	if len(s.making.Parts) == 0 {
		return ""
	}
	var list []any
	for i := range s.making.Parts {
		for _, o := range s.making.Parts[i].Origins() {
			if o.OfPrincipal() {
				v, ok := o.Value(who, nil)
				list = append(list, v, ok)
			}
		}
	}
	return source.JSONText(list)
}

func (s *solver) residual(whenTrue, whenFalse cel.Formula) residual {
	text := func(f cel.Formula) string {
		if f.Expr == nil {
			return ""
		}
		return expr.Print(expr.Shorten(f.Expr, s.unknown))
	}
	switch {
	case whenTrue.Expr == nil && whenTrue.Constant:
		return residual{constant: true, value: true}
	case whenFalse.Expr == nil && whenFalse.Constant:
		return residual{constant: true}
	case whenTrue.Expr == nil && whenFalse.Expr == nil:
		return residual{constant: true, errored: true}
	case s.engine.options.StrictEvaluation:
		return residual{whenTrue: text(whenTrue), whenFalse: text(whenFalse)}
	case whenTrue.Expr == nil:
		return residual{constant: true}
	}
	return residual{whenTrue: text(whenTrue)}
}

// valuesOf has the engine evaluate the closed parts of a leaf.
func (s *solver) valuesOf(ctx context.Context, l int, roles effective, in *enginev1.CheckInput) ([]cel.Evaluated, error) {
	actions := make([]string, len(s.parts[l].Evaluate))
	for i := range actions {
		actions[i] = tables.PartAction(l, i)
	}
	var more map[string]*structpb.Value
	if s.roles[l] != nil {
		more = rolesValue(roles)
	}
	return s.evaluateActions(ctx, in, cel.WithSent(in.Resource, s.unknown, more), actions)
}

// noCEL is how an error begins that says that an expression does not compile,
// which none of a policy that does can have.
const noCEL = "ERROR: <input>"

// evaluateActions has the engine evaluate the expressions that actions of the
// value table stand for.
func (s *solver) evaluateActions(ctx context.Context, in *enginev1.CheckInput, resource *enginev1.Resource, actions []string) ([]cel.Evaluated, error) {
	values := make([]cel.Evaluated, len(actions))
	if len(values) == 0 {
		return values, nil
	}
	ask := &enginev1.CheckInput{Principal: in.Principal, Resource: resource, AuxData: in.AuxData, Actions: actions}
	outputs, err := s.evaluate(ctx, []*enginev1.CheckInput{ask})
	if err != nil {
		return nil, err
	}
	found := make([]bool, len(values))
	for _, o := range outputs[0].GetOutputs() {
		if i := slices.Index(actions, o.GetAction()); i >= 0 {
			if strings.HasPrefix(o.GetError(), noCEL) {
				return nil, fmt.Errorf("evaluate %s: %s", actions[i], o.GetError())
			}
			values[i], found[i] = cel.Evaluated{Errored: o.GetError() != "", V: o.GetVal()}, true
		}
	}
	if i := slices.Index(found, false); i >= 0 {
		return nil, fmt.Errorf("the engine did not evaluate %s", actions[i])
	}
	return values, nil
}
