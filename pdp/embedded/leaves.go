package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
	leafsolver "github.com/mcpolicy/mcpolicy/solver"
)

// Leaves evaluates expressions by themselves, as a [leafsolver.Solver] asks for. It
// compiles each once, whoever asks.
type Leaves struct {
	mu     sync.Mutex
	of     *Engine
	engine *Engine // of the same options, without policies
	known  map[string]leafProgram
	tables []checkFunc
}

// A leafProgram is the action of a table that an expression is the condition of.
type leafProgram struct {
	table  int
	action string
}

// Leaves returns what evaluates expressions as the engine does. The expressions have
// no variables, constants or globals of policies in them. It is the same each time.
func (e *Engine) Leaves() leafsolver.Evaluator { return e.leaves }

func newLeaves(e *Engine) *Leaves {
	plain := &Engine{options: e.options, classes: &cel.Reads{}}
	plain.options.DefaultScope, plain.options.LenientScopeSearch, plain.options.StrictEvaluation = "", false, false
	return &Leaves{of: e, engine: plain, known: map[string]leafProgram{}}
}

// Evaluate says what each expression comes to for its request. One that is no
// boolean is unmet.
func (l *Leaves) Evaluate(ctx context.Context, texts []string, trials []leafsolver.Trial) ([]leafsolver.Outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := make([]string, len(trials)) // the text of each, without what the policy's own kind would change
	var missing []string
	for i, t := range trials {
		own[i] = resourceNamed(texts[t.Text], &t.Request.Resource)
		if _, known := l.known[own[i]]; !known {
			missing = append(missing, own[i])
		}
	}
	slices.Sort(missing)
	if err := l.compile(ctx, slices.Compact(missing)); err != nil {
		return nil, fmt.Errorf("compile expressions: %w", err)
	}
	outcomes := make([]leafsolver.Outcome, len(trials))
	for len(trials) > 0 {
		n := 1
		for n < len(trials) && trials[n].Now.Equal(trials[0].Now) {
			n++
		}
		if err := l.evaluate(ctx, trials[0].Now, trials[:n], own[len(own)-len(trials):], outcomes[len(outcomes)-len(trials):]); err != nil {
			return nil, fmt.Errorf("evaluate expressions: %w", err)
		}
		trials = trials[n:]
	}
	return outcomes, nil
}

// compile makes a table with an action for each expression.
func (l *Leaves) compile(ctx context.Context, texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	rules := make([]any, len(texts))
	for i, text := range texts {
		rules[i] = map[string]any{
			"actions": []string{conditionAction(i)}, "roles": []string{"*"}, "effect": effectv1.Effect_EFFECT_ALLOW.String(),
			"condition": map[string]any{"match": map[string]string{"expr": text + leafMark + strconv.Itoa(i)}},
		}
	}
	policy, err := json.Marshal(map[string]any{
		"apiVersion":     "api.cerbos.dev/v1",
		"resourcePolicy": map[string]any{"resource": closedKind, "version": closedVersion, "rules": rules},
	})
	if err != nil {
		return err
	}
	table, err := compilePulsing(ctx, l.engine.options.Bounds.Pulse, tables.Memory{"leaves.json": policy}, "")
	if err != nil {
		return err
	}
	check, err := l.engine.evaluator(table, pdp.EnforceNone)
	if err != nil {
		return err
	}
	for i, text := range texts {
		l.known[text] = leafProgram{len(l.tables), conditionAction(i)}
	}
	l.tables = append(l.tables, check)
	return nil
}

// leafMark and a number end each expression: a reply names the expressions that erred,
// and not the actions that they were evaluated for.
const leafMark = "\n// leaf "

// A leafCheck is what is asked of one table about one request.
type leafCheck struct {
	request *authz.Request
	table   int
	trials  []int
}

// evaluate asks about trials at one time. Those of one request in a row are one check.
func (l *Leaves) evaluate(ctx context.Context, now time.Time, trials []leafsolver.Trial, texts []string, outcomes []leafsolver.Outcome) error {
	l.engine.options.Now = now
	var checks []*leafCheck
	open := map[int]*leafCheck{} // of the request in turn, by table
	for i, t := range trials {
		if i > 0 && t.Request != trials[i-1].Request {
			clear(open)
		}
		table := l.known[texts[i]].table
		if open[table] == nil {
			open[table] = &leafCheck{request: t.Request, table: table}
			checks = append(checks, open[table])
		}
		open[table].trials = append(open[table].trials, i)
	}
	slices.SortStableFunc(checks, func(a, b *leafCheck) int { return a.table - b.table })
	requests := make([]authz.Request, len(checks))
	for i, c := range checks {
		requests[i] = c.request.Presented()
		requests[i].Made = nil // expressions read what parts are made of
		requests[i].Resource.Kind, requests[i].Resource.PolicyVersion, requests[i].Resource.Scope = closedKind, closedVersion, ""
	}
	inputs, err := l.of.inputs(requests)
	if err != nil {
		return err
	}
	for i, c := range checks {
		inputs[i].Actions = nil
		for _, t := range c.trials {
			inputs[i].Actions = append(inputs[i].Actions, l.known[texts[t]].action)
		}
		slices.Sort(inputs[i].Actions)
		inputs[i].Actions = slices.Compact(inputs[i].Actions)
	}
	return l.engine.parallel(ctx, len(checks), func(ctx context.Context, from, to int) error {
		for from < to {
			end := from + 1
			for end < to && checks[end].table == checks[from].table {
				end++
			}
			replies, err := l.tables[checks[from].table](ctx, inputs[from:end])
			if err != nil {
				return err
			}
			for i, reply := range replies {
				l.read(reply, checks[from+i].trials, texts, outcomes)
			}
			from = end
		}
		return nil
	})
}

func (l *Leaves) read(reply *enginev1.CheckOutput, trials []int, texts []string, outcomes []leafsolver.Outcome) {
	erred := map[string]bool{}
	for _, e := range reply.GetEvaluationErrors() {
		text := e.GetCelError().GetExpression()
		if i := strings.LastIndex(text, leafMark); i >= 0 {
			n, err := strconv.Atoi(text[i+len(leafMark):])
			erred[conditionAction(n)] = err == nil
		}
	}
	for _, t := range trials {
		action := l.known[texts[t]].action
		switch {
		case reply.GetActions()[action].GetEffect() == effectv1.Effect_EFFECT_ALLOW:
			outcomes[t] = leafsolver.Met
		case erred[action]:
			outcomes[t] = leafsolver.Errored
		default:
			outcomes[t] = leafsolver.Unmet
		}
	}
}

// resourceNamed fills in what a resource is called where an expression reads it: the
// table is about a kind of its own.
func resourceNamed(text string, r *authz.Resource) string {
	parsed, err := expr.Parse(text)
	if err != nil {
		return text // and it does not compile
	}
	found := false
	e := expr.Rewrite(parsed, func(x ast.Expr) (ast.Expr, bool) {
		path, ok := expr.Path(x)
		if !ok || len(path) != 2 || path[0] != "R" {
			return nil, false
		}
		var s string
		switch path[1] {
		case "kind":
			s = r.Kind
		case "scope":
			s = r.Scope
		case "policyVersion", "policy_version":
			s = r.PolicyVersion
		default:
			return nil, false
		}
		found = true
		return fact.NewLiteral(0, types.String(s)), true
	})
	if !found {
		return text
	}
	return expr.Print(e)
}
