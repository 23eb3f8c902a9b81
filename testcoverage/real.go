package testcoverage

import (
	"context"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// A real is what a condition and its parts come to for a request.
type real struct {
	condition solver.Outcome
	parts     []solver.Outcome
}

// real evaluates the condition of a subject for a request that leaves nothing open, as the
// engine does: the first of a list that decides it ends it. Errored is what is not met
// with an error on the way.
func (m *measurer) real(ctx context.Context, d pdp.Decider, s *subject, r *authz.Request) (*real, error) {
	engine, ok := d.(pdp.Explainer)
	if !ok {
		return nil, nil
	}
	rule := s.of(r)
	if rule == nil {
		return nil, nil
	}
	var of []pdp.Expression
	at := map[*policy.Condition]int{}
	var leaves func(c *policy.Condition)
	leaves = func(c *policy.Condition) {
		if c.Op == policy.Expr {
			at[c] = len(of)
			of = append(of, pdp.Expression{Rule: rule.ID, DerivedRole: s.name(), Text: c.Expr})
		}
		for _, x := range c.Of {
			leaves(x)
		}
	}
	leaves(s.condition)
	first := len(of)
	for i := range s.parts {
		of = append(of, pdp.Expression{Rule: rule.ID, DerivedRole: s.name(), Text: s.parts[i].text})
	}
	values, err := engine.Evaluate(ctx, *r, of)
	if err != nil {
		return nil, err
	}
	erred := false
	x := &real{condition: solver.Unmet}
	met := join(s.condition, func(c *policy.Condition) bool {
		o := outcomeOf(values[at[c]])
		erred = erred || o == solver.Errored
		return o == solver.Met
	})
	switch {
	case erred && (m.in.Strict || !met):
		x.condition = solver.Errored
	case met:
		x.condition = solver.Met
	}
	for _, v := range values[first:] {
		x.parts = append(x.parts, outcomeOf(v))
	}
	return x, nil
}

func outcomeOf(v pdp.Value) solver.Outcome {
	switch {
	case v.Error != "":
		return solver.Errored
	case v.V == true:
		return solver.Met
	}
	return solver.Unmet
}

// join evaluates a condition; of says whether an expression is met.
func join(c *policy.Condition, of func(*policy.Condition) bool) bool {
	switch c.Op {
	case policy.Expr:
		return of(c)
	case policy.All:
		for _, x := range c.Of {
			if !join(x, of) {
				return false
			}
		}
		return true
	case policy.Any, policy.None:
		for _, x := range c.Of {
			if join(x, of) {
				return c.Op == policy.Any
			}
		}
	}
	return c.Op == policy.None
}

// goals returns what has to hold for the condition of a subject to come to an outcome, nil
// if the engine does not evaluate expressions by themselves.
func (m *measurer) goals(d pdp.Decider, s *subject, to solver.Outcome) []apart.Goal {
	engine, ok := d.(pdp.Evaluable)
	if !ok {
		return nil
	}
	var texts []string
	f := formula(s.condition, func(text string) string {
		text = engine.Inline(pdp.Expression{Rule: s.rule.ID, DerivedRole: s.name(), Text: text})
		texts = append(texts, "("+text+")")
		return text
	})
	strict := f.Strict()
	all := strings.Join(texts, " && ")
	goal := func(f *solver.Formula, to ...solver.Outcome) apart.Goal {
		return apart.Goal{Expr: all, Formula: f, To: solver.Only(to...), About: s.about}
	}
	switch {
	case s.condition.Op == policy.Expr:
		return []apart.Goal{goal(&f, to)}
	case to == solver.Unmet:
		return []apart.Goal{goal(&strict, solver.Unmet)}
	case to == solver.Errored && m.in.Strict:
		return []apart.Goal{goal(&strict, solver.Errored)}
	case to == solver.Errored:
		return []apart.Goal{goal(&strict, solver.Errored), goal(&f, solver.Unmet, solver.Errored)}
	case m.in.Strict:
		return []apart.Goal{goal(&strict, solver.Met)}
	}
	return []apart.Goal{goal(&f, solver.Met)}
}

// partGoals returns what has to hold for a part to be true or false.
func (m *measurer) partGoals(d pdp.Decider, s *subject, i int, as bool) []apart.Goal {
	engine, ok := d.(pdp.Evaluable)
	if !ok {
		return nil
	}
	to := solver.Unmet
	if as {
		to = solver.Met
	}
	text := engine.Inline(pdp.Expression{Rule: s.rule.ID, DerivedRole: s.name(), Text: s.parts[i].text})
	return []apart.Goal{{Expr: text, To: solver.Only(to), About: s.about}}
}

func formula(c *policy.Condition, text func(string) string) solver.Formula {
	if c.Op == policy.Expr {
		return solver.Expr(text(c.Expr))
	}
	var list []solver.Formula
	for _, x := range c.Of {
		list = append(list, formula(x, text))
	}
	switch c.Op {
	case policy.Any:
		return solver.Any(list...)
	case policy.None:
		return solver.None(list...)
	case policy.All, policy.Expr:
	}
	return solver.All(list...)
}
