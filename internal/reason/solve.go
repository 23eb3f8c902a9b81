package reason

import (
	"context"
	"slices"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// asked is a question to the solver: the condition of a rule, what it may come to, and
// over which arguments.
type asked struct {
	rule   *policy.Rule
	kind   string
	schema *source.Node
	to     pdp.Outcome
}

// can says whether the condition of a rule comes to an outcome for anybody in what it
// covers: for arguments that the schema allows, or for any. It is unknown where the
// solver is not asked: the condition looks at what only its policy has, at roles, or at
// the clock.
func (x *Reasoner) can(ctx context.Context, r *policy.Rule, of coverage.Covering, to pdp.Outcome, within bool) (solver.Verdict, error) {
	f, ok := x.formula(r)
	if !ok || of.AnyItem != nil && f.looksAtResource(of.Unknown) {
		return solver.Unknown, nil
	}
	key := asked{rule: r, kind: of.Resource.Kind, to: to}
	if within {
		key.schema = x.ArgumentsSchema(of.Column.Item)
	}
	if f.looksAtResource(of.Unknown) {
		key.kind += of.MadeKey()
		key.kind += "\x00" + of.Action + "\x00" + of.Resource.ID
	}
	if known, ok := x.solved[key]; ok {
		return known, nil
	}
	if !x.in.Budget.Afford(1) {
		return solver.Unknown, nil
	}
	request := *of.Request
	request.Principal, request.AnyPrincipal = x.Somebody(), true
	if err := x.prepare(ctx, &request); err != nil {
		return solver.Unknown, err
	}
	w := &solver.World{Requests: []authz.Request{request}}
	if key.schema != nil {
		w.Arguments = []any{x.decoded(key.schema)}
	}
	if r.Policy.Kind == policy.PrincipalPolicy {
		request.Principal.ID, w.FixedID = r.Policy.Name, true
	}
	outcome := map[pdp.Outcome]solver.Outcome{pdp.Met: solver.Met, pdp.Unmet: solver.Unmet, pdp.Errored: solver.Errored}[to]
	answer, err := x.solver.Solve(ctx, w, []solver.Goal{{Formula: f.Formula, To: solver.Only(outcome)}})
	if err != nil {
		return solver.Unknown, err
	}
	x.in.Budget.Afford(answer.Steps)
	x.solved[key] = answer.Verdict
	return answer.Verdict, nil
}

// prepare has the engine compile the conditions of all rules together, once.
func (x *Reasoner) prepare(ctx context.Context, request *authz.Request) error {
	if x.prepared {
		return nil
	}
	x.prepared = true
	var list []solver.Formula
	for r := range x.in.Policies.Rules() {
		if f, ok := x.formula(r); ok {
			list = append(list, f.Formula)
		}
	}
	return x.solver.Prepare(ctx, &solver.World{Requests: []authz.Request{*request}}, list)
}

// never reports whether the condition of a rule comes to an outcome for no request, or for
// none that the schema allows: what was tried does not show one, and the solver knows that
// there is none, or does not know and the candidates leave nothing out.
func (x *Reasoner) never(ctx context.Context, r *policy.Rule, of coverage.Covering, p *Possibilities, to pdp.Outcome, within bool) (bool, error) {
	if p.Came(to, within) || x.solver == nil {
		return p.Never(to, within), nil
	}
	switch v, err := x.can(ctx, r, of, to, within); {
	case err != nil:
		return false, err
	case v != solver.Unknown:
		return v == solver.Impossible, nil
	}
	return p.Never(to, within), nil
}

// A ruleFormula is the condition of a rule in the words of requests.
type ruleFormula struct {
	solver.Formula
	resource [][]string // paths of the resource that it looks at
}

// looksAtResource reports whether a condition looks at the resource besides the arguments.
func (f *ruleFormula) looksAtResource(unknown []string) bool {
	return slices.ContainsFunc(f.resource, func(path []string) bool {
		n := len(unknown)
		return n == 0 || len(path) <= n+2 || path[1] != "attr" || !slices.Equal(path[2:n+2], unknown)
	})
}

// formula returns the condition of a rule for the solver, if it can be asked about it.
func (x *Reasoner) formula(r *policy.Rule) (*ruleFormula, bool) {
	if x.solver == nil || r.Condition == nil {
		return nil, false
	}
	f, known := x.formulas[r]
	if !known {
		f = &ruleFormula{}
		var ok bool
		if f.Formula, ok = x.translated(r, r.Condition, f); !ok {
			f = nil
		} else if x.in.Strict {
			f.Formula = f.Strict()
		}
		x.formulas[r] = f
	}
	return f, f != nil
}

func (x *Reasoner) translated(r *policy.Rule, c *policy.Condition, into *ruleFormula) (solver.Formula, bool) {
	if c.Op == policy.Expr {
		text := x.evaluable.Inline(pdp.Expression{Rule: r.ID, Text: c.Expr})
		parsed, err := expr.Parse(text)
		if err != nil || !into.isKnown(parsed) {
			return solver.Formula{}, false
		}
		return solver.Expr(text), true
	}
	var list []solver.Formula
	for _, part := range c.Of {
		f, ok := x.translated(r, part, into)
		if !ok {
			return solver.Formula{}, false
		}
		list = append(list, f)
	}
	return joined(c.Op, list), true
}

// joined returns the formula of a list of a condition.
func joined(op policy.Op, list []solver.Formula) solver.Formula {
	switch op {
	case policy.All:
		return solver.All(list...)
	case policy.Any:
		return solver.Any(list...)
	case policy.None, policy.Expr:
	}
	return solver.None(list...)
}

// isKnown reports whether an expression looks at nothing but arguments, attributes and ids.
func (f *ruleFormula) isKnown(e ast.Expr) bool {
	if path, whole := expr.Path(e); whole {
		switch path[0] {
		case "P":
			return len(path) > 1 && (path[1] == "attr" || path[1] == "id")
		case "R":
			f.resource = append(f.resource, path)
			return true
		}
		return !expr.IsRoot(path[0]) // a variable of a macro
	}
	if e.Kind() == ast.CallKind && slices.Contains([]string{"now", "timeSince"}, e.AsCall().FunctionName()) {
		return false
	}
	return !slices.ContainsFunc(expr.Children(e), func(x ast.Expr) bool { return !f.isKnown(x) })
}

// decoded returns a schema as a JSON value, the same each time.
func (x *Reasoner) decoded(n *source.Node) any {
	v, known := x.schemas[n]
	if !known {
		v = n.Value()
		x.schemas[n] = v
	}
	return v
}
