package embedded

import (
	"context"
	"io/fs"
	"runtime"
	"sync"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	rtcompile "github.com/cerbos/cerbos/private/ruletable/compile"
	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// Plainly decides requests that leave nothing open by Cerbos's evaluator over
// the compiled policies alone: no structure table, nothing shared, nothing kept.
func Plainly(ctx context.Context, e *Engine, requests []authz.Request) ([]authz.Decision, error) {
	inputs, err := e.inputs(requests)
	if err != nil {
		return nil, err
	}
	decisions := make([]authz.Decision, len(inputs))
	for i, in := range inputs {
		outputs, err := e.decide(ctx, []*enginev1.CheckInput{in})
		if err != nil {
			return nil, err
		}
		decisions[i] = decisionOf(in.Actions[0], outputs[0])
		if decisions[i].Rules, err = e.rulesOfAllRoles(ctx, in, outputs[0]); err != nil {
			return nil, err
		}
	}
	return decisions, nil
}

// A Recording is what an engine asked of Cerbos's evaluators.
type Recording struct {
	mu    sync.Mutex
	calls []recordedCall

	// Checks counts what the evaluators were given, Questions the actions in
	// that.
	Checks, Questions int
}

type recordedCall struct {
	check  checkFunc
	inputs []*enginev1.CheckInput
}

// Record keeps what the engine asks while f runs, once it has forgotten all
// answers.
func Record(e *Engine, f func()) *Recording {
	Forget(e)
	r := &Recording{}
	tap := func(check *checkFunc) (untap func()) {
		inner := *check
		*check = func(ctx context.Context, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.calls = append(r.calls, recordedCall{inner, in})
			r.Checks += len(in)
			for _, x := range in {
				r.Questions += len(x.Actions)
			}
			return inner(ctx, in)
		}
		return func() { *check = inner }
	}
	defer tap(&e.decide)()
	defer tap(&e.shape.check)()
	for _, s := range e.solvers {
		defer tap(&s.evaluate)()
	}
	f()
	return r
}

// Forget makes the engine ask again what it has asked before.
func Forget(e *Engine) {
	e.shape.known.known, e.shape.cohorts = nil, map[string]*cohort{}
	for _, s := range e.solvers {
		s.known.known = nil
	}
}

// Replay is a bare loop that makes the recorded calls again, on all cores.
func (r *Recording) Replay(ctx context.Context) error {
	e := &Engine{options: pdp.Options{Workers: runtime.GOMAXPROCS(0)}}
	return e.parallel(ctx, len(r.calls), func(ctx context.Context, from, to int) error {
		for _, c := range r.calls[from:to] {
			if _, err := c.check(ctx, c.inputs); err != nil {
				return err
			}
		}
		return nil
	})
}

// LongNames gives what a printed condition calls arguments, principal and
// resource the names that policies have.
func LongNames(text string) (string, error) {
	e, err := expr.Parse(text)
	if err != nil {
		return "", err
	}
	attr := func(of string) ast.Expr { return fact.NewSelect(0, fact.NewIdent(0, of), "attr") }
	return expr.Print(expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if x.Kind() != ast.IdentKind {
			return nil, false
		}
		switch x.AsIdent() {
		case "arguments":
			return fact.NewSelect(0, attr("R"), "arguments"), true
		case "principal":
			return attr("P"), true
		case "resource":
			return attr("R"), true
		}
		return nil, false
	})), nil
}

// HasName reports whether a name stands in an expression.
func HasName(text, name string) bool {
	e, err := expr.Parse(text)
	return err != nil || expr.Mentions(e, name)
}

// Whole returns an engine over the policies of another, in the order of its rows, with
// all tables loaded as a whole.
func Whole(e *Engine) (*Engine, error) {
	table := (&resourceKinds{all: true, reach: e.reach}).part(e.tables.Whole(e.schemas.table))
	whole := newEngine(e.options, tables.New(table), table, e)
	whole.whole = true
	return whole, whole.load(table)
}

// Narrow reports whether the engine loads tables in part.
func Narrow(e *Engine) bool { return e.reach.narrow }

// Widened returns for how many sets of kinds tables may have been loaded.
func Widened(e *Engine) int { return e.reach.widened }

// Suppose has an engine take every action for one that a condition may matter to, or none.
func Suppose(e *Engine, conditional bool) {
	e.shape.mayMatter = func(*enginev1.Principal, string, string) bool { return conditional }
}

// CompileShared compiles policies with what they import compiled once, and as they
// are. The first is nil where that is left to the second.
func CompileShared(ctx context.Context, fsys fs.FS) (shared, plain *runtimev1.RuleTable, err error) {
	plain, err = rtcompile.Compile(ctx, fsys)
	return tables.CompileShared(ctx, fsys), plain, err
}
