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
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// Idle reports which readings have no say in the decision, because a premise of
// theirs is settled the other way by what the request says of the resource. It
// has the engine evaluate the premises; one that errors settles nothing.
func (e *Engine) Idle(ctx context.Context, readings []pdp.Reading) ([]bool, error) {
	q := &premiseQuestions{actions: map[pdp.Expression]string{}, at: map[string]int{}}
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

// premiseQuestions are the different premises, each an action of its own, and the
// different resources to evaluate them for.
type premiseQuestions struct {
	expressions []pdp.Expression
	actions     map[pdp.Expression]string
	requests    []authz.Request
	asked       [][]string // actions, by request
	at          map[string]int
}

func (q *premiseQuestions) add(r *pdp.Reading) {
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
			rows = append(rows, tables.EvaluationRow(row, q.actions[x], x.Text+ownMark))
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
