package embedded

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// Truths says what propositions come to for a request, in order. The request
// must get to their rules; see [Engine.Reach]. When evaluation is not strict, a
// condition that cannot be evaluated is Never met; a single expression Fails.
func (e *Engine) Truths(ctx context.Context, r authz.Request, of []pdp.Proposition) ([]pdp.Truth, error) {
	if len(of) == 0 {
		return nil, nil
	}
	table := e.tables.Values(nil)
	var requests []authz.Request
	for i, p := range of {
		for _, row := range e.rowsOfProposition(&p) {
			c := conditionOf(&p, row)
			opposite := noneOf(c)
			if p.Text != "" {
				c, opposite = exprOf(p.Text), exprOf("!("+p.Text+")")
			}
			context := tables.ValueRow(row, p.DerivedRole != "")
			for suffix, c := range map[string]*runtimev1.Condition{"+": c, "-": opposite} {
				asked := tables.EvaluationRow(context, propositionAction(i, suffix), "")
				asked.Condition, asked.EmitOutput = c, nil
				table.Rules = append(table.Rules, asked)
			}
		}
		for _, suffix := range []string{"+", "-"} {
			asked := r
			asked.Action = propositionAction(i, suffix)
			requests = append(requests, asked)
		}
	}
	asking, err := e.over(table)
	if err != nil {
		return nil, fmt.Errorf("load conditions: %w", err)
	}
	decisions, err := asking.Decide(ctx, requests)
	if err != nil {
		return nil, err
	}
	truths := make([]pdp.Truth, len(of))
	for i := range truths {
		truths[i] = truthOf(decisions[2*i].Effect, decisions[2*i+1].Effect)
	}
	return truths, nil
}

// truthOf reads what a proposition and its opposite were decided to.
func truthOf(is, isNot authz.Effect) pdp.Truth {
	switch {
	case is == authz.Allow:
		return pdp.Always
	case isNot == authz.Allow:
		return pdp.Never
	case is == authz.Deny && isNot == authz.Deny:
		return pdp.Fails
	}
	return pdp.Varies
}

func propositionAction(i int, suffix string) string { return "proposition" + strconv.Itoa(i) + suffix }

// rowsOfProposition returns a row for each resource that a proposition's rule
// may be about.
func (e *Engine) rowsOfProposition(p *pdp.Proposition) []*runtimev1.RuleTable_RuleRow {
	var rows []*runtimev1.RuleTable_RuleRow
	for _, row := range e.rowsOf(pdp.Expression{Rule: p.Rule, DerivedRole: p.DerivedRole}) {
		var texts []string
		cel.WalkCondition(conditionOf(p, row), func(x *runtimev1.Expr) { texts = append(texts, x.GetOriginal()) })
		if slices.Equal(texts, p.Of) && !slices.ContainsFunc(rows, func(other *runtimev1.RuleTable_RuleRow) bool { return other.Resource == row.Resource }) {
			rows = append(rows, row)
		}
	}
	return rows
}

// conditionOf returns the condition that a row has from the policy.
func conditionOf(p *pdp.Proposition, row *runtimev1.RuleTable_RuleRow) *runtimev1.Condition {
	if p.DerivedRole != "" {
		return row.DerivedRoleCondition
	}
	if opposite := row.Condition.GetNone().GetExpr(); p.Effect == authz.Allow && row.Effect == effectv1.Effect_EFFECT_DENY && len(opposite) == 1 {
		return opposite[0]
	}
	return row.Condition
}

func noneOf(c *runtimev1.Condition) *runtimev1.Condition {
	return &runtimev1.Condition{Op: &runtimev1.Condition_None{None: &runtimev1.Condition_ExprList{Expr: []*runtimev1.Condition{c}}}}
}

func exprOf(text string) *runtimev1.Condition {
	return &runtimev1.Condition{Op: &runtimev1.Condition_Expr{Expr: &runtimev1.Expr{Original: text}}}
}

// over returns an engine like this one over another table, without schemas.
func (e *Engine) over(table *runtimev1.RuleTable) (*Engine, error) {
	options := e.options
	options.Schemas = pdp.EnforceNone
	o := newEngine(options, tables.New(table), table, e)
	return o, o.load(table)
}
