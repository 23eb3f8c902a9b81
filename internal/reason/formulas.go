package reason

import (
	"context"
	"strings"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// Formulas are a condition as the solver takes it.
type Formulas struct {
	is solver.Formula // the condition
	// unless is the condition as it would be if nothing in it erred: what errs counts
	// for whatever helps to meet it.
	unless solver.Formula
	single bool // it is one expression
	// ForAll says that it looks at nothing of a principal but attributes, claims and
	// the id, and not at the clock.
	ForAll bool
}

// Met is the goal that the condition is met.
func (f *Formulas) Met(request int) []solver.Goal {
	return []solver.Goal{{Formula: f.is, Request: request, To: solver.Only(solver.Met)}}
}

// May is the goal that the condition is met, or that only errors keep it from that.
func (f *Formulas) May(request int) []solver.Goal {
	if f.single {
		return []solver.Goal{{Formula: f.is, Request: request, To: solver.Only(solver.Met, solver.Errored)}}
	}
	return []solver.Goal{{Formula: f.unless, Request: request, To: solver.Only(solver.Met)}}
}

// Errs is the goal that only errors keep the condition from being met.
func (f *Formulas) Errs(request int) []solver.Goal {
	if f.single {
		return []solver.Goal{{Formula: f.is, Request: request, To: solver.Only(solver.Errored)}}
	}
	return append(f.May(request), solver.Goal{Formula: f.is, Request: request, To: solver.Only(solver.Unmet, solver.Errored)})
}

// Formulas returns the condition of a rule, or that of a derived role that it is for. It is
// nil where the engine does not evaluate expressions by themselves, or where there is none.
func (x *Reasoner) Formulas(r *policy.Rule, derivedRole string) *Formulas {
	c := r.Condition
	if derivedRole != "" {
		c = nil
		if d := x.in.Policies.DerivedRole(r.Policy, derivedRole); d != nil {
			c = d.Condition
		}
	}
	if x.solver == nil || c == nil {
		return nil
	}
	key := formulasOf{r, derivedRole}
	f, known := x.both[key]
	if !known {
		f = &Formulas{ForAll: true, single: c.Op == policy.Expr}
		of := pdp.Expression{Rule: r.ID, DerivedRole: derivedRole}
		var ok, also bool
		f.is, ok = x.reading(f, c, of, asWritten)
		f.unless, also = x.reading(f, c, of, helping)
		if x.in.Strict {
			f.is = f.is.Strict()
		}
		if !ok || !also {
			f = nil
		}
		x.both[key] = f
	}
	return f
}

type formulasOf struct {
	rule        *policy.Rule
	derivedRole string
}

// An erring says what an expression counts for that errs.
type erring uint8

const (
	asWritten erring = iota
	helping          // as met
	hindering        // as not met
)

// reading translates a condition.
func (x *Reasoner) reading(f *Formulas, c *policy.Condition, of pdp.Expression, e erring) (solver.Formula, bool) {
	if c.Op == policy.Expr {
		of.Text = c.Expr
		text, ok := x.grounded(f, of)
		if e == helping && !f.single {
			return solver.None(solver.Expr("!(" + text + ")")), ok // met unless it is false
		}
		return solver.Expr(text), ok
	}
	if c.Op == policy.None && e != asWritten {
		e = helping + hindering - e
	}
	var list []solver.Formula
	for _, part := range c.Of {
		below, ok := x.reading(f, part, of, e)
		if !ok {
			return solver.Formula{}, false
		}
		list = append(list, below)
	}
	return joined(c.Op, list), true
}

// grounded returns the text of an expression with variables, constants and globals
// replaced, as far as these are scalars.
func (x *Reasoner) grounded(f *Formulas, of pdp.Expression) (string, bool) {
	text := x.evaluable.Inline(of)
	parsed, err := expr.Parse(text)
	if err != nil {
		return "", false
	}
	f.ForAll = f.ForAll && (&ruleFormula{}).isKnown(parsed)
	of.Text = text
	globals := x.globals(of)
	if len(globals) == 0 {
		return expr.Print(parsed), true
	}
	return expr.Print(expr.Rewrite(parsed, func(e ast.Expr) (ast.Expr, bool) {
		if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
			return e, true
		}
		path, whole := expr.Path(e)
		v, known := globals[strings.Join(path, "\x00")]
		return v, whole && known
	})), true
}

// globals returns the globals that an expression looks at and that are scalars, by their
// paths.
func (x *Reasoner) globals(of pdp.Expression) map[string]ast.Expr {
	looker, ok := x.evaluable.(pdp.Looker)
	if !ok || !strings.Contains(of.Text, "G.") && !strings.Contains(of.Text, "globals") && !strings.Contains(of.Text, "G[") {
		return nil
	}
	known := map[string]ast.Expr{}
	for _, l := range looker.Looks(of) {
		if len(l.Path) == 0 || l.Path[0] != "G" || l.Fixed == nil || l.Fixed.Error != "" {
			continue
		}
		switch v := l.Fixed.V.(type) {
		case string, bool, float64:
			known[strings.Join(l.Path, "\x00")] = fact.NewLiteral(0, types.DefaultTypeAdapter.NativeToValue(v))
		}
	}
	return known
}

var fact = ast.NewExprFactory()

// Prepare has the engine compile the conditions that are to be asked about, for requests
// like one, so that it need not for each.
func (x *Reasoner) Prepare(ctx context.Context, request *authz.Request, list []solver.Formula) error {
	if x.solver == nil || len(list) == 0 {
		return nil
	}
	return x.solver.Prepare(ctx, &solver.World{Requests: []authz.Request{*request}}, list)
}

// Condition is the condition as it is.
func (f *Formulas) Condition() solver.Formula { return f.is }

// Solve asks for requests for which all of some goals hold. What the budget does not
// afford is unknown. Confirm, unless nil, has the last word on requests.
func (x *Reasoner) Solve(ctx context.Context, w *solver.World, goals []solver.Goal, confirm Confirm) (solver.Answer, error) {
	if x.solver == nil || !x.in.Budget.Afford(1) {
		return solver.Answer{}, nil
	}
	if confirm != nil {
		x.solver.Confirm = confirm
		defer func() { x.solver.Confirm = nil }()
	}
	answer, err := x.solver.Solve(ctx, w, goals)
	x.in.Budget.Afford(answer.Steps)
	return answer, err
}

// Impossible reports whether there are certainly no requests for which all of some goals
// hold. It costs less than [Reasoner.Solve], which looks for requests.
func (x *Reasoner) Impossible(ctx context.Context, w *solver.World, goals []solver.Goal) (bool, error) {
	if x.solver == nil || !x.in.Budget.Afford(1) {
		return false, nil
	}
	certain, steps, err := x.solver.Impossible(ctx, w, goals)
	x.in.Budget.Afford(steps)
	return certain, err
}

// A Confirm reports whether requests are what was asked for.
type Confirm = func(ctx context.Context, requests []authz.Request, now time.Time) (bool, error)

// Arguments returns the JSON Schema of an item's arguments as the solver takes it, nil if
// there is none.
func (x *Reasoner) Arguments(item *manifest.Item) any {
	n := x.ArgumentsSchema(item)
	if n == nil {
		return nil
	}
	return x.decoded(n)
}

// ArgumentsSchema returns the JSON Schema of an item's arguments, the same each time, nil if
// there is none.
func (x *Reasoner) ArgumentsSchema(item *manifest.Item) *source.Node {
	n, known := x.arguments[item]
	if !known {
		n = item.ArgumentsSchema()
		x.arguments[item] = n
	}
	return n
}
