package pdp

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/authz"
)

// An Expression is CEL in the context of a policy rule, which gives it its
// variables and constants.
type Expression struct {
	Rule string // the ID of the rule, as in [authz.RuleRef]
	// DerivedRole, if set, names the derived role of the rule's whose context
	// it is instead.
	DerivedRole string
	Text        string
}

// A Value is what an expression came to for one request.
type Value struct {
	V     any    // a JSON value; timestamps and durations are strings
	Error string // why there is none, or ""
}

// Evaluate has the engine evaluate expressions for a request whose arguments
// are known, in order. The request must get to their rules; see
// [Engine.Reach]. It builds a table for the purpose, so it is meant for
// explanations, not for deciding.
func (e *Engine) Evaluate(ctx context.Context, r authz.Request, of []Expression) ([]Value, error) {
	table := e.tables.values(nil)
	actions := make([]string, len(of))
	for i, x := range of {
		rows := e.contextsOf(x)
		if len(rows) == 0 {
			return nil, fmt.Errorf("no rule is called %s", x.Rule)
		}
		actions[i] = "expr" + strconv.Itoa(i)
		for _, row := range rows {
			table.Rules = append(table.Rules, evaluationRow(row, actions[i], x.Text))
		}
	}
	check, err := e.narrowedTable(table, EnforceNone)
	if err != nil {
		return nil, fmt.Errorf("load expressions: %w", err)
	}
	inputs, err := e.inputs([]authz.Request{r})
	if err != nil {
		return nil, err
	}
	in := inputs[0]
	in.Actions = actions
	outputs, err := check(ctx, []*enginev1.CheckInput{in})
	if err != nil {
		return nil, err
	}
	values := make([]Value, len(of))
	found := make([]bool, len(of))
	for _, o := range outputs[0].GetOutputs() {
		if i := slices.Index(actions, o.GetAction()); i >= 0 {
			values[i], found[i] = Value{V: o.GetVal().AsInterface(), Error: o.GetError()}, true
		}
	}
	if i := slices.Index(found, false); i >= 0 {
		return nil, fmt.Errorf("the engine did not evaluate %s", of[i].Text)
	}
	return values, nil
}

// Inline returns an expression with the variables and constants of its rule
// replaced by what they stand for.
func (e *Engine) Inline(x Expression) string {
	rows := e.contextsOf(x)
	if len(rows) == 0 {
		return x.Text
	}
	return inlined(x.Text, rows[0].Params)
}

// ruleID returns the name that Cerbos gives a row's rule in outputs.
func ruleID(row *runtimev1.RuleTable_RuleRow) string { return policyKey(row) + "#" + row.Name }

// policyKey returns the name that Cerbos gives a row's policy in decisions.
func policyKey(row *runtimev1.RuleTable_RuleRow) string {
	return strings.TrimPrefix(row.OriginFqn, "cerbos.")
}

// contextsOf returns rows to evaluate an expression in. There are several where
// rules about different resources share an ID; a request gets to some of them.
func (e *Engine) contextsOf(x Expression) []*runtimev1.RuleTable_RuleRow {
	var rows []*runtimev1.RuleTable_RuleRow
	for _, row := range e.rowsOf(x) {
		context := valueRow(row, x.DerivedRole != "")
		if !slices.ContainsFunc(rows, func(other *runtimev1.RuleTable_RuleRow) bool { return other.Resource == context.Resource }) {
			rows = append(rows, context)
		}
	}
	return rows
}

// rowsOf returns the rows of an expression's rule, those of the derived role if
// it names one.
func (e *Engine) rowsOf(x Expression) []*runtimev1.RuleTable_RuleRow {
	var rows []*runtimev1.RuleTable_RuleRow
	for _, row := range e.tables.rows {
		if ruleID(row) == x.Rule && (x.DerivedRole == "" || row.OriginDerivedRole == x.DerivedRole) {
			rows = append(rows, row)
		}
	}
	return rows
}
