package pdp

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A Premise is an expression over nothing but the resource that stands beside a
// read: where it comes to the opposite of Value, what is read has no say. In
// R.id == "refund" && R.attr.arguments.amount < 100 the first is one of the second.
type Premise struct {
	Expr  string
	Value bool
	// Paths are those below R.attr that it looks at; the empty path is all of them.
	Paths [][]string
}

// A Reading is a read of a rule and a request that the rule is about.
type Reading struct {
	Rule    string // the ID, as in [authz.RuleRef]
	Read    *Read
	Request *authz.Request
}

// Idle reports which readings have no say in the decision, because a premise of
// theirs is settled the other way by what the request says of the resource. It
// has the engine evaluate the premises; one that errors settles nothing.
func (e *Engine) Idle(ctx context.Context, readings []Reading) ([]bool, error) {
	q := &premiseQuestions{actions: map[Expression]string{}, at: map[string]int{}}
	for i := range readings {
		q.add(&readings[i])
	}
	idle := make([]bool, len(readings))
	if len(q.requests) == 0 {
		return idle, nil
	}
	values, err := e.evaluatePremises(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("evaluate premises: %w", err)
	}
	for i, r := range readings {
		for _, g := range r.Read.Premises {
			if !g.Known(r.Request) {
				continue
			}
			v, settled := values[q.at[resourceText(r.Request)]][q.actions[r.Of(g)]]
			idle[i] = idle[i] || settled && v != g.Value
		}
	}
	return idle, nil
}

// Of returns an expression of the premise in the context of the rule.
func (r *Reading) Of(g Premise) Expression {
	return Expression{Rule: r.Rule, DerivedRole: r.Read.Place.DerivedRole, Text: g.Expr}
}

// Known reports whether the request says all that the premise looks at.
func (g *Premise) Known(r *authz.Request) bool {
	return r.Unknown == nil || !slices.ContainsFunc(g.Paths, func(path []string) bool { return expr.Within(path, r.Unknown) })
}

// premiseQuestions are the different premises, each an action of its own, and the
// different resources to evaluate them for.
type premiseQuestions struct {
	expressions []Expression
	actions     map[Expression]string
	requests    []authz.Request
	asked       [][]string // actions, by request
	at          map[string]int
}

func (q *premiseQuestions) add(r *Reading) {
	for _, g := range r.Read.Premises {
		if !g.Known(r.Request) {
			continue
		}
		x := r.Of(g)
		if _, ok := q.actions[x]; !ok {
			q.actions[x] = "premise" + strconv.Itoa(len(q.expressions))
			q.expressions = append(q.expressions, x)
		}
		key := resourceText(r.Request)
		i, ok := q.at[key]
		if !ok {
			i = len(q.requests)
			q.at[key] = i
			request := *r.Request
			request.Principal, request.Unknown = &authz.Principal{ID: "nobody", Roles: []string{"nobody"}}, nil
			q.requests, q.asked = append(q.requests, request), append(q.asked, nil)
		}
		if action := q.actions[x]; !slices.Contains(q.asked[i], action) {
			q.asked[i] = append(q.asked[i], action)
		}
	}
}

func resourceText(r *authz.Request) string {
	return fmt.Sprintf("%q %q %q %q %v", r.Resource.Kind, r.Resource.PolicyVersion, r.Resource.Scope, r.Resource.ID, r.Resource.Attr)
}

// evaluatePremises returns for each request what its premises came to, those that
// erred or are no booleans left out.
func (e *Engine) evaluatePremises(ctx context.Context, q *premiseQuestions) ([]map[string]bool, error) {
	var rows []*runtimev1.RuleTable_RuleRow
	for _, x := range q.expressions {
		for _, row := range e.contextsOf(x) {
			// Marked like a condition, it is compiled once for both.
			rows = append(rows, evaluationRow(row, q.actions[x], x.Text+ownMark))
		}
	}
	check, err := e.conditionTable().load(e, rows...) // whoever asks about premises goes on to conditions
	if err != nil {
		return nil, err
	}
	inputs, err := e.inputs(q.requests)
	if err != nil {
		return nil, err
	}
	values := make([]map[string]bool, len(inputs))
	err = e.parallel(ctx, len(inputs), func(ctx context.Context, from, to int) error {
		for i := from; i < to; i++ {
			inputs[i].Actions, values[i] = q.asked[i], map[string]bool{}
			outputs, err := check(ctx, []*enginev1.CheckInput{inputs[i]})
			if err != nil {
				return err
			}
			for _, o := range outputs[0].GetOutputs() {
				if v, ok := o.GetVal().AsInterface().(bool); ok && o.GetError() == "" {
					values[i][o.GetAction()] = v
				}
			}
		}
		return nil
	})
	return values, err
}

// premises returns what has to hold for something beside an expression to have a
// say, if it has one only where the expression is of the value.
func (w *readWalker) premises(e ast.Expr, value bool) []Premise {
	if w.exhausted() {
		return nil
	}
	e = w.inline(e)
	if e.Kind() == ast.CallKind {
		c := e.AsCall()
		switch {
		case c.FunctionName() == operators.LogicalNot:
			return w.premises(c.Args()[0], !value)
		case c.FunctionName() == operators.LogicalAnd && value, c.FunctionName() == operators.LogicalOr && !value:
			return append(w.premises(c.Args()[0], value), w.premises(c.Args()[1], value)...)
		}
	}
	g := Premise{Expr: expr.Print(e), Value: value}
	if !w.ofResource(e, &g) || strings.Contains(g.Expr, Element) {
		return nil
	}
	return []Premise{g}
}

// conditionPremises is premises for a tree of expressions.
func (w *readWalker) conditionPremises(c *runtimev1.Condition, value bool) []Premise {
	var of *runtimev1.Condition_ExprList
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_Expr:
		if e, err := expr.Parse(op.Expr.GetOriginal()); err == nil {
			return w.premises(e, value)
		}
	case *runtimev1.Condition_All:
		if value {
			of = op.All
		}
	case *runtimev1.Condition_Any:
		if !value {
			of = op.Any
		}
	case *runtimev1.Condition_None:
		if value {
			of, value = op.None, false
		}
	}
	var list []Premise
	for _, x := range of.GetExpr() {
		list = append(list, w.conditionPremises(x, value)...)
	}
	return list
}

// ofResource reports whether an expression looks at nothing but the resource, and
// notes at what of it.
func (w *readWalker) ofResource(e ast.Expr, g *Premise) bool {
	if w.exhausted() {
		return false
	}
	if definition, _, ok := w.definition(e); ok {
		return w.ofResource(definition, g)
	}
	path, exact := expr.Path(e)
	switch {
	case len(path) == 0:
	case path[0] == "R" && len(path) > 1 && path[1] == "attr":
		g.Paths = append(g.Paths, path[2:])
	case path[0] == "R" && len(path) == 1:
		g.Paths = append(g.Paths, nil)
	case path[0] != "R" && path[0] != "C":
		return false
	}
	if exact {
		return true
	}
	if e.Kind() == ast.CallKind && slices.Contains([]string{"now", "timeSince"}, e.AsCall().FunctionName()) {
		return false
	}
	return !slices.ContainsFunc(expr.Children(e), func(x ast.Expr) bool { return !w.ofResource(x, g) })
}
