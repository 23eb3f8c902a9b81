package embedded

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
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
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
	"github.com/mcpolicy/mcpolicy/pdp/wire"
)

// checkFunc is one batch of checks by an evaluator.
type checkFunc func(context.Context, []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error)

// An Engine is the embedded Cerbos engine over one set of policies. It may be
// used from several goroutines.
type Engine struct {
	checks            atomic.Int64
	options           pdp.Options
	whole             bool // load everything, whatever requests are about
	decide            checkFunc
	tables            *tables.Set
	schemas           *schemas
	classes           *cel.Reads
	principalPolicies map[string]bool
	reach             *reach

	shape *structureTable

	solving sync.Mutex // guards solvers, also while one is made
	solvers map[string]*solver
	leaves  *Leaves

	elsewhen sync.Mutex // guards later, and its clock
	later    *Engine    // of DecideAt

	evaluated atomic.Pointer[evaluation] // the last one

	taking     sync.Mutex // guards conditions while they are taken apart
	conditions *conditions

	source    fs.FS    // the policies; nil for an engine that was made of another
	changing  changing // of Change
	confusion confusion
}

// Open compiles the policies below fsys and loads them into an engine. All
// mistakes in them are reported, joined, each a *source.Error.
func Open(ctx context.Context, fsys fs.FS, options pdp.Options) (*Engine, error) {
	table, err := compilePulsing(ctx, options.Bounds.Pulse, fsys, options.Prefix)
	if err != nil {
		return nil, err
	}
	if options.Now.IsZero() {
		options.Now = time.Now()
	}
	e := newEngine(options, tables.New(table), table, nil)
	e.source = fsys
	if err := e.load(table); err != nil {
		return nil, err
	}
	return e, nil
}

// newEngine returns an engine of tables and of the schemas that a table declares; one
// of the load functions has to follow. It is the only one to make an engine. If there is
// an engine of the same policies or more of them, like is that one, from which it takes
// over what the policies read. Nothing that an engine fills while it works is shared.
func newEngine(options pdp.Options, t *tables.Set, declared *runtimev1.RuleTable, like *Engine) *Engine {
	e := &Engine{
		options: options, tables: t, schemas: newSchemas(declared), solvers: map[string]*solver{},
	}
	e.leaves = newLeaves(e)
	if like != nil {
		e.whole, e.classes, e.principalPolicies = like.whole, like.classes, like.principalPolicies
		return e
	}
	e.principalPolicies = map[string]bool{}
	for _, row := range t.Rows {
		if row.Principal != "" {
			e.principalPolicies[row.Principal] = true
		}
	}
	e.classes = e.classReads()
	return e
}

// load loads the tables that nearly every run needs, on a core each, or makes ready
// to load them in part.
func (e *Engine) load(table *runtimev1.RuleTable) error {
	decision := e.tables.Decision(table)
	if e.reach = newReach(e.tables.Rows, e.whole); e.reach.narrow {
		return e.loadNarrow(e.reach)
	}
	structure := e.tables.Structure(e.tables.Rows)
	var g errgroup.Group
	g.Go(func() (err error) {
		defer tables.RecoverAs(&err, "load policies")
		if e.decide, err = e.evaluator(decision, e.options.Schemas); err != nil {
			return fmt.Errorf("load policies: %w", err)
		}
		return nil
	})
	g.Go(func() (err error) {
		defer tables.RecoverAs(&err, "load the structure of the policies")
		check, err := e.loaded(structure, pdp.EnforceNone, pdp.Matching)
		if err != nil {
			return fmt.Errorf("load the structure of the policies: %w", err)
		}
		e.shape = &structureTable{
			engine: e, check: check, mayMatter: e.tables.MayMatter(e.options.DefaultPolicyVersion),
			cohorts: map[string]*cohort{}, decisions: map[string]*authz.Decision{},
		}
		return nil
	})
	return g.Wait()
}

// Checks returns how many checks Cerbos's evaluator has made so far.
func (e *Engine) Checks() int64 { return e.checks.Load() }

// evaluator loads a table with conditions into an evaluator with the engine's
// options.
func (e *Engine) evaluator(table *runtimev1.RuleTable, enforcement pdp.Enforcement) (checkFunc, error) {
	return e.loaded(table, enforcement, pdp.Evaluating)
}

func (e *Engine) loaded(table *runtimev1.RuleTable, enforcement pdp.Enforcement, phase pdp.Phase) (checkFunc, error) {
	globals, err := structpb.NewStruct(e.options.Globals)
	if err != nil {
		return nil, fmt.Errorf("globals: %w", err)
	}
	conf := &epdpv2.Config{
		Schema: &epdpv2.Config_Schema{Enforcement: map[pdp.Enforcement]epdpv2.Config_Schema_Enforcement{
			pdp.EnforceNone:   epdpv2.Config_Schema_ENFORCEMENT_NONE,
			pdp.EnforceWarn:   epdpv2.Config_Schema_ENFORCEMENT_WARN,
			pdp.EnforceReject: epdpv2.Config_Schema_ENFORCEMENT_REJECT,
		}[enforcement]},
		Evaluator: &epdpv2.Config_Evaluator{
			Globals: globals.GetFields(), DefaultPolicyVersion: e.options.DefaultPolicyVersion,
			DefaultScope: e.options.DefaultScope, LenientScopeSearch: e.options.LenientScopeSearch,
			StrictEvaluation: e.options.StrictEvaluation,
		},
	}
	if !e.derivedRolesRead() {
		// The engine would evaluate all of them for each request, and hash all of them
		// for each row. Only runtime.effectiveDerivedRoles is made of that: rules
		// bring along what they need of the derived roles that they are for.
		table.PolicyDerivedRoles = nil
	}
	loaded := e.options.Bounds.Pulse.Begin(pdp.Loading, false)
	ev, err := ruletable.NewRuleTableFromProto(table, conf)
	loaded()
	if err != nil {
		return nil, err
	}
	check := bounded(e.options.Bounds, pinClock(ev.Check, func() time.Time { return e.options.Now }), phase, e.options.Globals)
	return func(ctx context.Context, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
		e.checks.Add(int64(len(in)))
		return check(ctx, in)
	}, nil
}

// rulesOfAllRoles returns the rules that took part, whichever of the
// principal's roles they are for.
func (e *Engine) rulesOfAllRoles(ctx context.Context, in *enginev1.CheckInput, out *enginev1.CheckOutput) ([]authz.RuleRef, error) {
	outputs := []*enginev1.CheckOutput{out}
	if alone := e.byRole(in); len(alone) > 0 {
		more, err := e.decide(ctx, alone)
		if err != nil {
			return nil, fmt.Errorf("decide by role: %w", err)
		}
		outputs = append(outputs, more...)
	}
	return ruleRefs(outputs, in.Actions[0]), nil
}

// byRole splits an input with several roles into one for each. The engine stops
// at the first role that is allowed, so the rules of the others are found by
// asking about them alone, unless the policies would see the difference.
func (e *Engine) byRole(in *enginev1.CheckInput) []*enginev1.CheckInput {
	if len(in.Principal.Roles) < 2 || e.rolesRead() {
		return nil
	}
	var alone []*enginev1.CheckInput
	for _, role := range in.Principal.Roles {
		p := &enginev1.Principal{
			Id: in.Principal.Id, Roles: []string{role}, Attr: in.Principal.Attr,
			PolicyVersion: in.Principal.PolicyVersion, Scope: in.Principal.Scope,
		}
		alone = append(alone, &enginev1.CheckInput{Principal: p, Resource: in.Resource, Actions: in.Actions, AuxData: in.AuxData})
	}
	return alone
}

// decisionOf reads the engine's reply about one action.
func decisionOf(action string, out *enginev1.CheckOutput) authz.Decision {
	effect := out.GetActions()[action]
	d := authz.Decision{NoPolicy: wire.Uncovered(effect.GetEffect(), effect.GetPolicy())}
	if effect.GetEffect() == effectv1.Effect_EFFECT_ALLOW {
		d.Effect = authz.Allow
	}
	d.Validation = wire.ValidationErrors(out.GetValidationErrors())
	for _, ee := range out.GetEvaluationErrors() {
		d.Errors = append(d.Errors, authz.EvalError{Expr: ee.GetCelError().GetExpression(), Message: ee.GetCelError().GetMessage()})
	}
	slices.SortStableFunc(d.Errors, func(a, b authz.EvalError) int { // derived roles come in the order of a Go map
		return cmp.Or(cmp.Compare(a.Expr, b.Expr), cmp.Compare(a.Message, b.Message))
	})
	return d
}

// ruleRefs reads what the decision table's rules leave in outputs about one
// action.
func ruleRefs(outputs []*enginev1.CheckOutput, action string) []authz.RuleRef {
	var refs []authz.RuleRef
	for _, out := range outputs {
		for _, o := range out.GetOutputs() {
			if o.GetAction() == action {
				refs = append(refs, tables.RuleRef(o))
			}
		}
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
