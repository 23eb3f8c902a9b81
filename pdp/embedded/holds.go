package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// Holds has the engine evaluate conditions, in order: Allow for one that is met,
// Deny for one that is not, as [Engine.Decide] says of the request. It is
// Conditional where the condition does not tell: it is not written down, or
// speaks of what only its policy has. One that is joined of several requests is
// held against the one alone. It loads a table for the purpose.
func (e *Engine) Holds(ctx context.Context, list []pdp.Given) ([]authz.Effect, error) {
	found, err := e.validity(ctx, list)
	if err != nil {
		return nil, err
	}
	c := &closing{numbers: map[string]int{}}
	requests := make([]authz.Request, len(list))
	actions := make([]map[string]string, len(list)) // of each, by clause
	for i, g := range list {
		r := g.Request.Presented()
		r.Unknown, r.AnyPrincipal, r.Made = nil, false, nil
		r.Resource.Kind, r.Resource.PolicyVersion, r.Resource.Scope = closedKind, closedVersion, ""
		requests[i], actions[i] = r, map[string]string{}
		for clause := range g.Clauses() {
			if text, ok := closed(clause, g.Request.Unknown, found[i], e.Rejects()); ok {
				text = (&expr.Making{Parts: g.Request.Made, Arguments: g.Request.Arguments}).Text(text)
				actions[i][clause.String()] = c.action(text)
			}
		}
	}
	met, err := e.evaluateClosed(ctx, c, requests, actions)
	if err != nil {
		return nil, fmt.Errorf("evaluate conditions: %w", err)
	}
	effects := make([]authz.Effect, len(list))
	for i, g := range list {
		effects[i] = g.Effect(func(clause authz.Clause) authz.Effect {
			action, known := actions[i][clause.String()]
			switch {
			case !known:
				return authz.Conditional
			case met[i][action]:
				return authz.Allow
			}
			return authz.Deny
		})
	}
	return effects, nil
}

// validity returns what the schemas hold against the requests.
func (e *Engine) validity(ctx context.Context, list []pdp.Given) ([][]authz.ValidationError, error) {
	requests := make([]authz.Request, len(list))
	for i, g := range list {
		requests[i] = g.Request
		requests[i].Unknown, requests[i].AnyPrincipal = nil, false
	}
	return e.Validate(ctx, requests)
}

// closed returns a clause in the words of policies, with what the schemas say
// filled in. It is not ok for what means something in its own policy only.
func closed(c authz.Clause, arguments []string, found []authz.ValidationError, schemas bool) (text string, ok bool) {
	parsed, err := expr.Parse(c.String())
	if err != nil || c.Reads().Policy {
		return "", false
	}
	ok = true
	filled := expr.Rewrite(parsed, func(x ast.Expr) (ast.Expr, bool) {
		source := map[string]string{"arguments": "resource", "principal": "principal"}[expr.Validated(x)]
		ok = ok && (source == "" || schemas)
		refused := slices.ContainsFunc(found, func(v authz.ValidationError) bool { return v.Source == source })
		return fact.NewLiteral(0, types.Bool(!refused)), source != ""
	})
	return expr.Print(expr.Lengthen(filled, arguments)), ok
}

// fact makes expressions.
var fact = ast.NewExprFactory()

// The policy that has closed clauses.
const closedKind, closedVersion = "condition", "default"

// A closing numbers the different expressions that are evaluated together.
type closing struct {
	texts   []string
	numbers map[string]int
}

func (c *closing) action(text string) string {
	n, known := c.numbers[text]
	if !known {
		n = len(c.texts)
		c.numbers[text] = n
		c.texts = append(c.texts, text)
	}
	return conditionAction(n)
}

// policy writes a policy that allows an action for each expression.
func (c *closing) policy() ([]byte, error) {
	rules := make([]any, len(c.texts))
	for i, text := range c.texts {
		rules[i] = map[string]any{
			"actions": []string{conditionAction(i)}, "roles": []string{"*"}, "effect": effectv1.Effect_EFFECT_ALLOW.String(),
			"condition": map[string]any{"match": map[string]string{"expr": text}},
		}
	}
	return json.Marshal(map[string]any{
		"apiVersion":     "api.cerbos.dev/v1",
		"resourcePolicy": map[string]any{"resource": closedKind, "version": closedVersion, "rules": rules},
	})
}

// evaluateClosed reports for each request which of its actions are allowed.
func (e *Engine) evaluateClosed(ctx context.Context, c *closing, requests []authz.Request, actions []map[string]string) ([]map[string]bool, error) {
	met := make([]map[string]bool, len(requests))
	if len(c.texts) == 0 {
		return met, nil
	}
	policy, err := c.policy()
	if err != nil {
		return nil, err
	}
	table, err := compilePulsing(ctx, e.options.Bounds.Pulse, tables.Memory{"conditions.json": policy}, "")
	if err != nil {
		return nil, err
	}
	plain := &Engine{options: e.options, classes: &cel.Reads{}}
	plain.options.DefaultScope, plain.options.LenientScopeSearch = "", false
	check, err := plain.evaluator(table, pdp.EnforceNone)
	if err != nil {
		return nil, err
	}
	inputs, err := e.inputs(requests)
	if err != nil {
		return nil, err
	}
	err = e.parallel(ctx, len(inputs), func(ctx context.Context, from, to int) error {
		var some []*enginev1.CheckInput
		var of []int
		for i := from; i < to; i++ {
			met[i] = map[string]bool{}
			inputs[i].Actions = slices.Compact(slices.Sorted(maps.Values(actions[i])))
			if len(inputs[i].Actions) > 0 {
				some, of = append(some, inputs[i]), append(of, i)
			}
		}
		outputs, err := check(ctx, some)
		for i, out := range outputs {
			for action, effect := range out.GetActions() {
				met[of[i]][action] = effect.GetEffect() == effectv1.Effect_EFFECT_ALLOW
			}
		}
		return err
	})
	return met, err
}
