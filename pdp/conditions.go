package pdp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"google.golang.org/protobuf/proto"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A Condition is what a rule or a derived role asks for, as compiled. Those
// that ask the same, in one policy, are one.
type Condition struct {
	Uses  []Use
	Parts []Part // with variables, constants and globals replaced
	// Globals says that globals take part, which differ from one deployment to
	// the next.
	Globals bool
	// Expressions are the texts that it is evaluated by: the definitions of the
	// variables that it uses, and its own. An error in one of them, and in no
	// other, is its own.
	Expressions []string
	// Number is its place in the list of all conditions.
	Number int
}

// A Use is one thing that has a condition.
type Use struct {
	Rule string // the ID, as in [authz.RuleRef]
	// DerivedRole, if set, names the derived role of the rule whose condition
	// it is.
	DerivedRole string
	Effect      authz.Effect // of the rule, as compiled
}

// An Outcome says what a condition came to.
type Outcome uint8

// The outcomes of a condition. The engine takes one that errored for unmet,
// or denies when evaluation is strict.
const (
	Unmet Outcome = iota
	Met
	Errored
	Unasked // the condition has no say on what the request is about
)

// conditions are the different conditions of the policies, and the table that
// has an action for each.
type conditions struct {
	list []*Condition
	rows []*runtimev1.RuleTable_RuleRow // by number

	loading sync.Mutex // guards check
	check   checkFunc
}

// Conditions lists the different conditions of the policies, in the order of
// the rules' IDs.
func (e *Engine) Conditions() []*Condition { return e.conditionTable().list }

func (e *Engine) conditionTable() *conditions {
	e.taking.Lock()
	defer e.taking.Unlock()
	if e.conditions != nil {
		return e.conditions
	}
	t := &conditions{}
	index := map[string]*Condition{}
	add := func(row *runtimev1.RuleTable_RuleRow, c *runtimev1.Condition, derivedRole string) {
		if c == nil {
			return
		}
		context := valueRow(row, derivedRole != "")
		key := row.OriginFqn + "\x00" + row.Resource + "\x00" + row.Principal + "\x00" + derivedRole + "\x00" + shapeOf(c)
		known := index[key]
		if known == nil {
			known = &Condition{Number: len(t.list)}
			known.Parts, known.Globals = partsOf(c, context.Params, e.options.Globals)
			known.Expressions = expressionsOf(c, context.Params)
			index[key] = known
			context.Condition = c
			t.list, t.rows = append(t.list, known), append(t.rows, context)
		}
		use := Use{Rule: ruleID(row), DerivedRole: derivedRole}
		if row.Effect == effectv1.Effect_EFFECT_ALLOW {
			use.Effect = authz.Allow
		}
		if !slices.Contains(known.Uses, use) {
			known.Uses = append(known.Uses, use)
		}
	}
	for _, row := range e.tables.rowsByRule() {
		add(row, row.Condition, "")
		if row.OriginDerivedRole != "" {
			add(row, row.DerivedRoleCondition, row.OriginDerivedRole)
		}
	}
	e.conditions = t
	return t
}

// rowsByRule returns a row of each rule for each different thing that it does, by the
// rules' IDs. Rows come in the order of a Go map.
func (t *tables) rowsByRule() []*runtimev1.RuleTable_RuleRow {
	type place struct {
		behaviour
		resource, principal string
	}
	type named struct {
		id  string
		row *runtimev1.RuleTable_RuleRow
	}
	var list []named
	seen := map[place]bool{}
	for _, row := range t.rows {
		at := place{behaviourOf(row), row.Resource, row.Principal}
		if !seen[at] {
			seen[at] = true
			list = append(list, named{ruleID(row), row})
		}
	}
	slices.SortStableFunc(list, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.row.OriginDerivedRole, b.row.OriginDerivedRole), cmp.Compare(a.row.Resource, b.row.Resource))
	})
	rows := make([]*runtimev1.RuleTable_RuleRow, len(list))
	for i := range list {
		rows[i] = list[i].row
	}
	return rows
}

// expressionsOf lists the expressions of a condition after the definitions of
// the variables that these use.
func expressionsOf(c *runtimev1.Condition, params *runtimev1.RuleTable_RuleRow_Params) []string {
	variables := variablesOf(params)
	var list []string
	var use func(e ast.Expr)
	add := func(text string) {
		if slices.Contains(list, text) {
			return
		}
		if e, err := expr.Parse(text); err == nil {
			use(e)
		}
		list = append(list, text)
	}
	use = func(e ast.Expr) {
		if path, _ := expr.Path(e); len(path) > 1 && path[0] == "V" {
			if definition, known := variables[path[1]]; known {
				add(definition)
			}
		}
		for _, x := range expr.Children(e) {
			use(x)
		}
	}
	walkCondition(c, func(x *runtimev1.Expr) { add(x.GetOriginal()) })
	return list
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
		table := e.tables.values(nil)
		table.Rules = append(table.Rules, along...)
		if e.reach.narrow {
			table = set.part(table)
		}
		if first {
			table.Rules = append(table.Rules, t.actions(set)...)
		}
		return e.evaluator(table, EnforceNone)
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
		walkCondition(row.Condition, func(x *runtimev1.Expr) { texts = append(texts, x.GetOriginal()) })
		slices.Sort(texts)
		key := strings.Join(texts, "")
		number := strconv.Itoa(equal[key])
		equal[key]++
		c := evaluationRow(row, conditionAction(i), "")
		c.Condition, c.EmitOutput = marked(row.Condition), ruleOutput(number+"+", number+"-")
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
	walkCondition(c, func(x *runtimev1.Expr) { x.Original += ownMark })
	return c
}

func conditionAction(i int) string { return "condition" + strconv.Itoa(i) }

// A Trial is a condition and a request, of which nothing is unknown, to hold it
// against. Its action does not matter.
type Trial struct {
	*Condition
	Request authz.Request
}

// Try has the engine evaluate conditions, in order, on all cores.
func (e *Engine) Try(ctx context.Context, trials []Trial) ([]Outcome, error) {
	if len(trials) == 0 {
		return nil, nil
	}
	check, err := e.conditionTable().load(e)
	if err != nil {
		return nil, fmt.Errorf("load conditions: %w", err)
	}
	requests := make([]authz.Request, len(trials))
	for i := range trials {
		requests[i] = trials[i].Request
		requests[i].Action = conditionAction(trials[i].Number)
	}
	inputs, err := e.inputs(requests)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(trials))
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

func outcomeOf(action string, out *enginev1.CheckOutput) Outcome {
	switch {
	case out.GetActions()[action].GetEffect() == effectv1.Effect_EFFECT_ALLOW:
		return Met
	case slices.ContainsFunc(out.GetEvaluationErrors(), isOwn):
		return Errored
	case len(out.GetOutputs()) == 0:
		return Unasked
	}
	return Unmet
}

// isOwn reports whether an error is one of the condition that was tried.
func isOwn(e *enginev1.EvaluationError) bool {
	return strings.HasSuffix(e.GetCelError().GetExpression(), ownMark)
}

// Without returns an engine, an *Engine, over the same policies less some rules, by
// their IDs. A policy that is left without rules is not there.
func (e *Engine) Without(rules []string) (Decider, error) {
	less, err := e.withRows(func(row *runtimev1.RuleTable_RuleRow) bool { return !slices.Contains(rules, ruleID(row)) })
	if err != nil {
		return nil, err
	}
	return less, nil
}
