package pdp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A solver decides requests whose arguments are unknown, for one place where
// the arguments stand.
type solver struct {
	engine   *Engine
	kinds    *resourceKinds // of requests that it decides; other leaves are not taken apart
	unknown  []string
	evaluate checkFunc    // the value table
	leaves   []*leaf      // those of the tables, and further ones
	parts    []*parts     // by leaf
	reads    []*reads     // by leaf
	roles    []*roleReads // by leaf

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
	key := fmt.Sprint(strings.Join(unknown, "\x00"), r.AnyPrincipal)
	e.solving.Lock()
	defer e.solving.Unlock()
	if s := e.solvers[key]; s != nil && s.kinds.has(r.Resource.Kind) {
		return s, nil
	}
	s := &solver{engine: e, kinds: e.reach.with(r.Resource.Kind), unknown: unknown, leaves: slices.Clone(e.tables.leaves)}
	reached := s.kinds.policies(e.tables.rows)
	opened := &openness{unknown: unknown, principal: r.AnyPrincipal, globals: e.options.Globals}
	opened.runtimeOpen = e.derivedRolesOpen(opened)
	for i := 0; i < len(s.leaves); i++ { // there may come more
		l := s.leaves[i]
		if !reached[l.row.OriginFqn] {
			s.parts, s.roles, s.reads = append(s.parts, &parts{}), append(s.roles, nil), append(s.reads, &reads{})
			continue
		}
		of := opened.with(l.row.Params.GetOrderedVariables(), l.row.Params.GetConstants())
		reads := readsWith(l.text, l.row.Params)
		p, roles := s.takeApart(l, of, reads)
		s.parts, s.roles, s.reads = append(s.parts, p), append(s.roles, roles), append(s.reads, reads)
	}
	values := make([]leafValues, len(s.leaves))
	for i, l := range s.leaves {
		values[i] = leafValues{row: l.row, texts: s.parts[i].evaluate, held: s.roles[i] != nil}
	}
	var err error
	if s.evaluate, err = e.narrowedTable(e.tables.values(values), EnforceNone); err != nil {
		return nil, fmt.Errorf("load the parts of conditions: %w", err)
	}
	e.solvers[key] = s
	return s, nil
}

// takeApart takes a leaf apart. The list of derived roles, if the leaf reads it
// and it depends on what is unknown, is closed where it can be known.
func (s *solver) takeApart(l *leaf, o *openness, reads *reads) (*parts, *roleReads) {
	if l.expr != nil {
		return o.takeExprApart(l.expr), nil
	}
	if o.runtimeOpen && reads.derivedRoles {
		if expr, roles, ok := s.readRoles(l, o); ok {
			return o.takeExprApart(expr), roles
		}
	}
	return o.takeApart(l.text), nil
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
	if err := s.engine.applySchemas(ctx, r, in, s.unknown, &d); err != nil {
		return authz.Decision{}, err
	}
	return d, nil
}

// residualOf evaluates what is known of a leaf, with the derived roles that it
// reads.
func (s *solver) residualOf(ctx context.Context, l int, roles effective, r *authz.Request, in *enginev1.CheckInput) (residual, error) {
	key := strconv.Itoa(l) + "\x00" + rolesKey(roles) + "\x00" + s.reads[l].values(r)
	return s.known.get(key, func() (residual, error) {
		p := s.parts[l]
		values, err := s.valuesOf(ctx, l, roles, in)
		if err != nil {
			return residual{}, err
		}
		strict := s.engine.options.StrictEvaluation
		return s.residual(p.when(true, values, strict), p.when(false, values, strict)), nil
	})
}

func (s *solver) residual(whenTrue, whenFalse formula) residual {
	text := func(f formula) string {
		if f.expr == nil {
			return ""
		}
		return expr.Print(expr.Shorten(f.expr, s.unknown))
	}
	switch {
	case whenTrue.expr == nil && whenTrue.constant:
		return residual{constant: true, value: true}
	case whenFalse.expr == nil && whenFalse.constant:
		return residual{constant: true}
	case whenTrue.expr == nil && whenFalse.expr == nil:
		return residual{constant: true, errored: true}
	case s.engine.options.StrictEvaluation:
		return residual{whenTrue: text(whenTrue), whenFalse: text(whenFalse)}
	case whenTrue.expr == nil:
		return residual{constant: true}
	}
	return residual{whenTrue: text(whenTrue)}
}

// valuesOf has the engine evaluate the closed parts of a leaf.
func (s *solver) valuesOf(ctx context.Context, l int, roles effective, in *enginev1.CheckInput) ([]evaluated, error) {
	actions := make([]string, len(s.parts[l].evaluate))
	for i := range actions {
		actions[i] = partAction(l, i)
	}
	var more map[string]*structpb.Value
	if s.roles[l] != nil {
		more = rolesValue(roles)
	}
	return s.evaluateActions(ctx, in, withSent(in.Resource, s.unknown, more), actions)
}

// noCEL is how an error begins that says that an expression does not compile,
// which none of a policy that does can have.
const noCEL = "ERROR: <input>"

// evaluateActions has the engine evaluate the expressions that actions of the
// value table stand for.
func (s *solver) evaluateActions(ctx context.Context, in *enginev1.CheckInput, resource *enginev1.Resource, actions []string) ([]evaluated, error) {
	values := make([]evaluated, len(actions))
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
			values[i], found[i] = evaluated{errored: o.GetError() != "", v: o.GetVal()}, true
		}
	}
	if i := slices.Index(found, false); i >= 0 {
		return nil, fmt.Errorf("the engine did not evaluate %s", actions[i])
	}
	return values, nil
}

// principalValues are what stands at the attributes of a principal that are read.
func (r *reads) principalValues(p *authz.Principal) []any {
	var list []any
	for _, path := range r.principalAttr.sorted() {
		list = append(list, at(p.Attr, path))
	}
	return list
}

// allOfPrincipal adds all attributes of the principal.
func (r *reads) allOfPrincipal() { r.principalAttr.add(nil) }

// values renders what the reads come to for a request, as a cache key.
func (r *reads) values(req *authz.Request) string {
	p := req.Principal
	list := []any{p.Scope, p.PolicyVersion}
	list = append(list, r.principalValues(p)...)
	for _, path := range r.resourceAttr.sorted() {
		if len(path) == 0 {
			list = append(list, req.Resource)
			continue
		}
		list = append(list, at(req.Resource.Attr, path))
	}
	all := r.other || r.derivedRoles
	if r.principalID || all {
		list = append(list, p.ID)
	}
	if r.roles || all {
		list = append(list, p.Roles)
	}
	if r.auxData || all {
		list = append(list, p.AuxData, p.JWTs)
	}
	if all {
		list = append(list, p.Attr, req.Resource)
	}
	list = append(list, req.Resource.Kind, req.Resource.Scope, req.Resource.PolicyVersion)
	b, err := json.Marshal(list)
	if err != nil {
		return fmt.Sprint(list...) // never: attributes are JSON values
	}
	return string(b)
}

// at returns the value at a path: [value] if it is there, else an empty list.
func at(attr map[string]any, path []string) []any {
	var v any = attr
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			// Not a mapping: what lies below depends on this value itself.
			return []any{v, name}
		}
		if v, ok = m[name]; !ok {
			return []any{}
		}
	}
	return []any{v}
}
