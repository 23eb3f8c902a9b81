package pdp

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/cerbos/cerbos/private/ruletable"
	epdpv2 "github.com/cerbos/cloud-api/genpb/cerbos/cloud/epdp/v2"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
)

// checkFunc is one batch of checks by an evaluator.
type checkFunc func(context.Context, []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error)

// An Engine is the embedded Cerbos engine over one set of policies. It may be
// used from several goroutines.
type Engine struct {
	checks            atomic.Int64
	options           Options
	decide            checkFunc
	tables            *tables
	schemas           *schemas
	classes           *reads
	derived           sync.Mutex // guards structure and solvers while they are made
	shape             *structure
	solvers           map[string]*solver
	principalPolicies map[string]bool
}

// Open compiles the policies below fsys and loads them into an engine. All
// mistakes in them are reported, joined, each a *source.Error.
func Open(ctx context.Context, fsys fs.FS, options Options) (*Engine, error) {
	table, err := compileTable(ctx, fsys, options.Prefix)
	if err != nil {
		return nil, err
	}
	if options.Now.IsZero() {
		options.Now = time.Now()
	}
	e := &Engine{
		options: options, tables: newTables(table), solvers: map[string]*solver{},
		schemas: newSchemas(table), principalPolicies: map[string]bool{},
	}
	for _, row := range e.tables.rows {
		if row.Principal != "" {
			e.principalPolicies[row.Principal] = true
		}
	}
	e.classes = e.classReads()
	if e.decide, err = e.evaluator(e.tables.decision(table), options.Schemas); err != nil {
		return nil, fmt.Errorf("load policies: %w", err)
	}
	return e, nil
}

// Checks returns how many checks Cerbos's evaluator has made so far.
func (e *Engine) Checks() int64 { return e.checks.Load() }

// evaluator loads a table into an evaluator with the engine's options.
func (e *Engine) evaluator(table *runtimev1.RuleTable, enforcement Enforcement) (checkFunc, error) {
	globals, err := structpb.NewStruct(e.options.Globals)
	if err != nil {
		return nil, fmt.Errorf("globals: %w", err)
	}
	conf := &epdpv2.Config{
		Schema: &epdpv2.Config_Schema{Enforcement: map[Enforcement]epdpv2.Config_Schema_Enforcement{
			EnforceNone:   epdpv2.Config_Schema_ENFORCEMENT_NONE,
			EnforceWarn:   epdpv2.Config_Schema_ENFORCEMENT_WARN,
			EnforceReject: epdpv2.Config_Schema_ENFORCEMENT_REJECT,
		}[enforcement]},
		Evaluator: &epdpv2.Config_Evaluator{
			Globals: globals.GetFields(), DefaultPolicyVersion: e.options.DefaultPolicyVersion,
			DefaultScope: e.options.DefaultScope, LenientScopeSearch: e.options.LenientScopeSearch,
			StrictEvaluation: e.options.StrictEvaluation,
		},
	}
	ev, err := ruletable.NewRuleTableFromProto(table, conf)
	if err != nil {
		return nil, err
	}
	check := pinClock(ev.Check, e.options.Now)
	return func(ctx context.Context, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
		e.checks.Add(int64(len(in)))
		return check(ctx, in)
	}, nil
}

// batchSize is how many requests a worker takes at once: enough to make taking
// them cheap, few enough to keep all cores busy to the end.
const batchSize = 64

// Decide answers each request, in order, on all cores.
func (e *Engine) Decide(ctx context.Context, requests []authz.Request) ([]authz.Decision, error) {
	decisions := make([]authz.Decision, len(requests))
	principals, err := e.principals(requests)
	if err != nil {
		return nil, err
	}
	workers := e.options.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for start := 0; start < len(requests); start += batchSize {
		end := min(start+batchSize, len(requests))
		g.Go(func() error {
			return e.decideBatch(ctx, requests[start:end], decisions[start:end], principals)
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return decisions, nil
}

func (e *Engine) decideBatch(ctx context.Context, requests []authz.Request, into []authz.Decision, principals principals) (err error) {
	defer recoverAs(&err, "decide")
	if err := ctx.Err(); err != nil {
		return err
	}
	var closed []*enginev1.CheckInput
	var at []int
	for i := range requests {
		r := &requests[i]
		in, err := principals.input(r)
		if err != nil {
			return err
		}
		if r.Unknown == nil && !r.AnyPrincipal {
			closed, at = append(closed, in), append(at, i)
			continue
		}
		s, err := e.solver(r)
		if err != nil {
			return err
		}
		if into[i], err = s.decide(ctx, r, in); err != nil {
			return fmt.Errorf("decide %s on %s %s: %w", r.Action, r.Resource.Kind, r.Resource.ID, err)
		}
	}
	if len(closed) == 0 {
		return nil
	}
	outputs, err := e.decide(ctx, closed)
	if err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	for j, out := range outputs {
		d := decisionOf(closed[j].Actions[0], out)
		if d.Rules, err = e.rulesOfAllRoles(ctx, e.decide, closed[j], out); err != nil {
			return err
		}
		into[at[j]] = d
	}
	return nil
}

// rulesOfAllRoles returns the rules that took part, whichever of the
// principal's roles they are for. The engine stops at the first role that is
// allowed, so the others are asked about one by one, unless the policies would
// see the difference.
func (e *Engine) rulesOfAllRoles(ctx context.Context, check checkFunc, in *enginev1.CheckInput, out *enginev1.CheckOutput) ([]authz.RuleRef, error) {
	refs := ruleRefs(out)
	if len(in.Principal.Roles) < 2 || e.rolesRead() {
		return refs, nil
	}
	var alone []*enginev1.CheckInput
	for _, role := range in.Principal.Roles {
		p := &enginev1.Principal{
			Id: in.Principal.Id, Roles: []string{role}, Attr: in.Principal.Attr,
			PolicyVersion: in.Principal.PolicyVersion, Scope: in.Principal.Scope,
		}
		alone = append(alone, &enginev1.CheckInput{Principal: p, Resource: in.Resource, Actions: in.Actions, AuxData: in.AuxData})
	}
	outputs, err := check(ctx, alone)
	if err != nil {
		return nil, fmt.Errorf("decide by role: %w", err)
	}
	for _, o := range outputs {
		refs = append(refs, ruleRefs(o)...)
	}
	return mergeRefs(refs), nil
}

// decisionOf reads the engine's reply about one action.
func decisionOf(action string, out *enginev1.CheckOutput) authz.Decision {
	effect := out.GetActions()[action]
	d := authz.Decision{NoPolicy: effect.GetPolicy() == noPolicy}
	if effect.GetEffect() == effectv1.Effect_EFFECT_ALLOW {
		d.Effect = authz.Allow
	}
	for _, v := range out.GetValidationErrors() {
		d.Validation = append(d.Validation, validationError(v))
	}
	for _, ee := range out.GetEvaluationErrors() {
		d.Errors = append(d.Errors, authz.EvalError{Expr: ee.GetCelError().GetExpression(), Message: ee.GetCelError().GetMessage()})
	}
	return d
}

// noPolicy is what Cerbos names as the policy when none covers the resource.
const noPolicy = "NO_MATCH"

// ruleRefs reads the outputs that the decision table's rules leave.
func ruleRefs(out *enginev1.CheckOutput) []authz.RuleRef {
	var refs []authz.RuleRef
	for _, o := range out.GetOutputs() {
		ref := authz.RuleRef{ID: o.GetSrc()}
		switch o.GetVal().GetStringValue() {
		case allowFired:
			ref.Effect, ref.Met = authz.Allow, authz.Fired
		case allowUnmet:
			ref.Effect = authz.Allow
		case denyFired:
			ref.Met = authz.Fired
		}
		refs = append(refs, ref)
	}
	return mergeRefs(refs)
}

// mergeRefs sorts by rule and keeps one reference a rule: a rule stands in the
// table once for each of its roles and actions, and fired if it did for one.
func mergeRefs(refs []authz.RuleRef) []authz.RuleRef {
	slices.SortFunc(refs, func(a, b authz.RuleRef) int {
		if c := strings.Compare(a.ID, b.ID); c != 0 {
			return c
		}
		return int(b.Met) - int(a.Met)
	})
	return slices.CompactFunc(refs, func(a, b authz.RuleRef) bool { return a.ID == b.ID })
}

// principals holds the engine's form of each principal of a batch.
type principals map[*authz.Principal]*enginev1.CheckInput

func (e *Engine) principals(requests []authz.Request) (principals, error) {
	ps := principals{}
	for i := range requests {
		p := requests[i].Principal
		if _, ok := ps[p]; ok {
			continue
		}
		attr, err := structpb.NewStruct(p.Attr)
		if err != nil {
			return nil, fmt.Errorf("principal %s: %w", p.Key, err)
		}
		in := &enginev1.CheckInput{Principal: &enginev1.Principal{
			Id: p.ID, Roles: e.rolesOf(p), Attr: attr.GetFields(), PolicyVersion: p.PolicyVersion, Scope: p.Scope,
		}}
		if p.AuxData != nil {
			jwt, err := structpb.NewStruct(p.AuxData)
			if err != nil {
				return nil, fmt.Errorf("principal %s: auxData: %w", p.Key, err)
			}
			in.AuxData = &enginev1.AuxData{Jwt: jwt.GetFields()}
		}
		ps[p] = in
	}
	return ps, nil
}

// input returns a request as the engine takes it. What is unknown is left out.
func (ps principals) input(r *authz.Request) (*enginev1.CheckInput, error) {
	attr, err := structpb.NewStruct(r.Resource.Attr)
	if err != nil {
		return nil, fmt.Errorf("resource %s: %w", r.Resource.ID, err)
	}
	p := ps[r.Principal]
	return &enginev1.CheckInput{
		Principal: p.Principal, AuxData: p.AuxData, Actions: []string{r.Action},
		Resource: &enginev1.Resource{
			Kind: r.Resource.Kind, Id: r.Resource.ID, Attr: attr.GetFields(),
			PolicyVersion: r.Resource.PolicyVersion, Scope: r.Resource.Scope,
		},
	}, nil
}
