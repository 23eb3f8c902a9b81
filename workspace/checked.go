package workspace

import (
	"context"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/mutation"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A checked is cases of Cerbos suites that have the same options, and the engine that has
// them, too.
type checked struct {
	engine  *embedded.Engine
	options pdp.Options
	cases   []*testrunner.Case
}

// checked has the cells of cases of Cerbos suites decided, each by an engine with the
// options of its suite.
func (w *Workspace) checked(ctx context.Context, m *matrix.Matrix, cases []*testrunner.Case) ([]*checked, error) {
	of := map[string]*checked{}
	var list []*checked
	for _, c := range cases {
		o := c.Check.Of.Options
		key := fmt.Sprintf("%d %t %q %q %t %s %s", o.Schemas, o.StrictEvaluation, o.DefaultPolicyVersion, o.DefaultScope, o.LenientScopeSearch, source.JSONText(o.Globals), o.Now)
		if of[key] == nil {
			o.Prefix, o.Bounds = w.engine.Prefix, w.engine.Bounds
			if o.Now.IsZero() {
				o.Now = w.Now // which no condition of the policies as they are reads then
			}
			of[key] = &checked{options: o}
			list = append(list, of[key])
		}
		of[key].cases = append(of[key].cases, c)
	}
	for _, x := range list {
		var err error
		if x.engine, err = embedded.Open(ctx, w.policyFS, x.options); err != nil {
			return nil, err
		}
		if err := testrunner.ExplainChecks(ctx, m, x.engine, x.cases); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// assertedChecks returns the cases of Cerbos suites that passed, but those that the engine
// which names rules decides otherwise. They have their cells, where those of the result
// need not.
func (w *Workspace) assertedChecks(ctx context.Context, m *matrix.Matrix, r *testrunner.Result) ([]*checked, error) {
	var cases []*testrunner.Case
	for _, s := range r.Suites {
		for _, c := range s.Cases {
			if c.Check != nil && c.Check.Of != nil && c.Outcome == testrunner.Passed {
				copied := *c // which shows its rules, where reports do not
				copied.Cell = nil
				cases = append(cases, &copied)
			}
		}
	}
	list, err := w.checked(ctx, m, cases)
	for _, x := range list {
		var decided []*testrunner.Case
		for _, c := range x.cases {
			if c.Cell != nil {
				decided = append(decided, c)
			}
		}
		x.cases = decided
	}
	return list, err
}

// checkDecisions returns what cases of Cerbos suites that passed assert, for coverage.
func (w *Workspace) checkDecisions(ctx context.Context, m *matrix.Matrix, r *testrunner.Result) ([]testcoverage.Decision, error) {
	asserted, err := w.assertedChecks(ctx, m, r)
	if err != nil {
		return nil, err
	}
	var list []testcoverage.Decision
	for _, x := range asserted {
		for _, c := range x.cases {
			check := c.Check.Of
			d := testcoverage.Decision{
				Evidence: testcoverage.Evidence{Pos: c.Pos, Text: fmt.Sprintf("%s %s %s: %s", check.Principal, c.Check.Action, check.Resource, c.Want)},
				Decider:  x.engine, Request: check.Request, Effect: check.Want,
			}
			for _, rule := range c.Cell.Rules {
				d.Rules = append(d.Rules, authz.RuleRef{ID: rule.ID, Effect: rule.Effect, Met: rule.Met})
			}
			list = append(list, d)
		}
	}
	return list, nil
}

// killingChecks returns what cases of Cerbos suites that passed assert, for mutants.
func (w *Workspace) killingChecks(ctx context.Context, m *matrix.Matrix, r *testrunner.Result) ([]mutation.Asserted, error) {
	asserted, err := w.assertedChecks(ctx, m, r)
	if err != nil {
		return nil, err
	}
	list := make([]mutation.Asserted, len(asserted))
	for i, x := range asserted {
		list[i] = mutation.Asserted{Decider: x.engine, Cases: x.cases, Open: func(ctx context.Context, of *mutate.Mutant) (pdp.Decider, error) {
			d, err := w.loadMutant(ctx, of, x.options)
			return d, err
		}}
	}
	return list, nil
}
