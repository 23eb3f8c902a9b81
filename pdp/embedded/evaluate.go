package embedded

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// An evaluation is a table that has been loaded to evaluate expressions.
type evaluation struct {
	of    []pdp.Expression
	check checkFunc
}

// Evaluate has the engine evaluate expressions for a request whose arguments
// are known, in order. The request must get to their rules; see
// [Engine.Reach]. It loads a table for the purpose, unless the last one was for the same
// expressions, so it is meant for explanations, not for deciding.
func (e *Engine) Evaluate(ctx context.Context, r authz.Request, of []pdp.Expression) ([]pdp.Value, error) {
	actions := make([]string, len(of))
	for i := range of {
		actions[i] = "expr" + strconv.Itoa(i)
	}
	last := e.evaluated.Load()
	if last == nil || !slices.Equal(last.of, of) {
		check, err := e.evaluating(of, actions)
		if err != nil {
			return nil, err
		}
		last = &evaluation{slices.Clone(of), check}
		e.evaluated.Store(last)
	}
	inputs, err := e.inputs([]authz.Request{r})
	if err != nil {
		return nil, err
	}
	in := inputs[0]
	in.Actions = actions
	outputs, err := last.check(ctx, []*enginev1.CheckInput{in})
	if err != nil {
		return nil, err
	}
	values := make([]pdp.Value, len(of))
	found := make([]bool, len(of))
	for _, o := range outputs[0].GetOutputs() {
		if i := slices.Index(actions, o.GetAction()); i >= 0 {
			values[i], found[i] = pdp.Value{V: o.GetVal().AsInterface(), Error: o.GetError()}, true
		}
	}
	if i := slices.Index(found, false); i >= 0 {
		return nil, fmt.Errorf("the engine did not evaluate %s", of[i].Text)
	}
	return values, nil
}

// evaluating loads a table of expressions, each under an action.
func (e *Engine) evaluating(of []pdp.Expression, actions []string) (checkFunc, error) {
	table := e.tables.Values(nil)
	for i, x := range of {
		rows := e.contextsOf(x)
		if len(rows) == 0 {
			return nil, fmt.Errorf("no rule is called %s", x.Rule)
		}
		for _, row := range rows {
			table.Rules = append(table.Rules, tables.EvaluationRow(row, actions[i], x.Text))
		}
	}
	check, err := e.narrowedTable(table, pdp.EnforceNone)
	if err != nil {
		return nil, fmt.Errorf("load expressions: %w", err)
	}
	return check, nil
}

// Inline returns an expression with the variables and constants of its rule
// replaced by what they stand for.
func (e *Engine) Inline(x pdp.Expression) string {
	rows := e.contextsOf(x)
	if len(rows) == 0 {
		return x.Text
	}
	return cel.Inlined(x.Text, rows[0].Params)
}

// contextsOf returns rows to evaluate an expression in. There are several where
// rules about different resources share an ID; a request gets to some of them.
func (e *Engine) contextsOf(x pdp.Expression) []*runtimev1.RuleTable_RuleRow {
	var rows []*runtimev1.RuleTable_RuleRow
	for _, row := range e.rowsOf(x) {
		context := tables.ValueRow(row, x.DerivedRole != "")
		if !slices.ContainsFunc(rows, func(other *runtimev1.RuleTable_RuleRow) bool { return other.Resource == context.Resource }) {
			rows = append(rows, context)
		}
	}
	return rows
}

// rowsOf returns the rows of an expression's rule, those of the derived role if
// it names one.
func (e *Engine) rowsOf(x pdp.Expression) []*runtimev1.RuleTable_RuleRow {
	var rows []*runtimev1.RuleTable_RuleRow
	for _, row := range e.tables.Rows {
		if tables.RuleID(row) == x.Rule && (x.DerivedRole == "" || row.OriginDerivedRole == x.DerivedRole) {
			rows = append(rows, row)
		}
	}
	return rows
}
