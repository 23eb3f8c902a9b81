package embedded

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"google.golang.org/protobuf/proto"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// conditions are the different conditions of the policies, and the table that
// has an action for each.
type conditions struct {
	list []*pdp.Condition
	rows []*runtimev1.RuleTable_RuleRow // by number

	loading sync.Mutex // guards check
	check   checkFunc
}

// Conditions lists the different conditions of the policies, in the order of
// the rules' IDs.
func (e *Engine) Conditions() []*pdp.Condition { return e.conditionTable().list }

func (e *Engine) conditionTable() *conditions {
	e.taking.Lock()
	defer e.taking.Unlock()
	if e.conditions != nil {
		return e.conditions
	}
	t := &conditions{}
	index := map[string]*pdp.Condition{}
	add := func(row *runtimev1.RuleTable_RuleRow, c *runtimev1.Condition, derivedRole string) {
		if c == nil {
			return
		}
		context := tables.ValueRow(row, derivedRole != "")
		key := row.OriginFqn + "\x00" + row.Resource + "\x00" + row.Principal + "\x00" + derivedRole + "\x00" + tables.ShapeOf(c)
		known := index[key]
		if known == nil {
			known = &pdp.Condition{Number: len(t.list)}
			known.Parts, known.Globals = cel.Dissect(c, context.Params, e.options.Globals)
			known.Expressions = cel.ExpressionsOf(c, context.Params)
			index[key] = known
			context.Condition = c
			t.list, t.rows = append(t.list, known), append(t.rows, context)
		}
		use := pdp.Use{Rule: tables.RuleID(row), DerivedRole: derivedRole}
		if row.Effect == effectv1.Effect_EFFECT_ALLOW {
			use.Effect = authz.Allow
		}
		if !slices.Contains(known.Uses, use) {
			known.Uses = append(known.Uses, use)
		}
	}
	for _, row := range e.tables.RowsByRule() {
		add(row, row.Condition, "")
		if row.OriginDerivedRole != "" {
			add(row, row.DerivedRoleCondition, row.OriginDerivedRole)
		}
	}
	e.conditions = t
	return t
}

// load returns what checks a table that has each condition as an action of its
// own, which anybody may do who meets it. Other rows of the value table may come
// along: each table that is loaded costs a collection of all garbage.
func (t *conditions) load(e *Engine, along ...*runtimev1.RuleTable_RuleRow) (checkFunc, error) {
	t.loading.Lock()
	defer t.loading.Unlock()
	if t.check != nil && len(along) == 0 {
		return t.check, nil
	}
	first := t.check == nil
	check, err := e.narrow(func(set *resourceKinds) (checkFunc, error) {
		table := e.tables.Values(nil)
		table.Rules = append(table.Rules, along...)
		if e.reach.narrow {
			table = set.part(table)
		}
		if first {
			table.Rules = append(table.Rules, t.actions(set)...)
		}
		return e.evaluator(table, pdp.EnforceNone)
	})
	if err == nil && first {
		t.check = check
	}
	return check, err
}

// actions returns a row for each condition that requests about kinds get to. No two
// rows may be equal but for how the condition joins its expressions: the engine takes
// them for one. So those of equal expressions have outputs of their own; others need
// not, and each is one more expression to compile.
func (t *conditions) actions(kinds *resourceKinds) []*runtimev1.RuleTable_RuleRow {
	var rows []*runtimev1.RuleTable_RuleRow
	equal := map[string]int{}
	for i, row := range t.rows {
		if !kinds.reaches(row) {
			continue
		}
		var texts []string
		cel.WalkCondition(row.Condition, func(x *runtimev1.Expr) { texts = append(texts, x.GetOriginal()) })
		slices.Sort(texts)
		key := strings.Join(texts, "")
		number := strconv.Itoa(equal[key])
		equal[key]++
		c := tables.EvaluationRow(row, conditionAction(i), "")
		c.Condition, c.EmitOutput = marked(row.Condition), tables.RuleOutput(number+"+", number+"-")
		rows = append(rows, c)
	}
	return rows
}

// ownMark ends the expressions of the condition that is tried. A reply names the
// expressions that erred and not whose they are: a derived role of the policy,
// or a variable, may err beside the condition.
const ownMark = "\n// the condition tried"

// marked copies a condition with its expressions marked.
func marked(c *runtimev1.Condition) *runtimev1.Condition {
	c = proto.CloneOf(c)
	cel.WalkCondition(c, func(x *runtimev1.Expr) { x.Original += ownMark })
	return c
}

func conditionAction(i int) string { return "condition" + strconv.Itoa(i) }

// Try has the engine evaluate conditions, in order, on all cores.
func (e *Engine) Try(ctx context.Context, trials []pdp.Trial) ([]pdp.Outcome, error) {
	if len(trials) == 0 {
		return nil, nil
	}
	check, err := e.conditionTable().load(e)
	if err != nil {
		return nil, fmt.Errorf("load conditions: %w", err)
	}
	requests := make([]authz.Request, len(trials))
	for i := range trials {
		requests[i], _ = trials[i].Request.Sent()
		requests[i].Action = conditionAction(trials[i].Number)
	}
	inputs, err := e.inputs(requests)
	if err != nil {
		return nil, err
	}
	outcomes := make([]pdp.Outcome, len(trials))
	err = e.parallel(ctx, len(inputs), func(ctx context.Context, from, to int) error {
		outputs, err := check(ctx, inputs[from:to])
		for i, out := range outputs {
			outcomes[from+i] = outcomeOf(requests[from+i].Action, out)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

func outcomeOf(action string, out *enginev1.CheckOutput) pdp.Outcome {
	switch {
	case out.GetActions()[action].GetEffect() == effectv1.Effect_EFFECT_ALLOW:
		return pdp.Met
	case slices.ContainsFunc(out.GetEvaluationErrors(), isOwn):
		return pdp.Errored
	case len(out.GetOutputs()) == 0:
		return pdp.Unasked
	}
	return pdp.Unmet
}

// isOwn reports whether an error is one of the condition that was tried.
func isOwn(e *enginev1.EvaluationError) bool {
	return strings.HasSuffix(e.GetCelError().GetExpression(), ownMark)
}

// Without returns an engine, an *Engine, over the same policies less some rules, by
// their IDs. A policy that is left without rules is not there.
func (e *Engine) Without(rules []string) (pdp.Decider, error) {
	less, err := e.withRows(func(row *runtimev1.RuleTable_RuleRow) bool { return !slices.Contains(rules, tables.RuleID(row)) })
	if err != nil {
		return nil, err
	}
	return less, nil
}
