package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/mutation"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/testgen"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Generate makes suites of what the policies at hand decide, whatever else decides.
func (w *Workspace) Generate(ctx context.Context) (*testgen.Suites, error) {
	in, err := w.Generation(ctx)
	if err != nil {
		return nil, err
	}
	_, end := w.o.Progress.begin("writing suites")
	defer end()
	return testgen.Generate(ctx, in)
}

// Generation is what suites are generated from: the matrix by the policies at hand.
func (w *Workspace) Generation(ctx context.Context) (*testgen.Input, error) {
	in := &testgen.Input{
		Groups: w.Principals.Groups,
		Reopen: func(now time.Time, globals map[string]any) (pdp.Decider, error) { return w.reopened(ctx, now, globals) },
	}
	engine := w.Engine
	for _, reads := range engine.RuleReads() {
		if len(reads.Clock) > 0 {
			in.Now = w.Now.UTC().Truncate(time.Second) // as a suite can say it
		}
	}
	var err error
	if !in.Now.IsZero() {
		if engine, err = w.reopened(ctx, in.Now, nil); err != nil {
			return nil, err
		}
	}
	if in.Matrix, err = w.decided(ctx, w.Servers, engine); err != nil {
		return nil, err
	}
	in.Unnoticed = func(ctx context.Context, ran *testrunner.Result) ([]testgen.Gap, []string, error) {
		return w.unnoticed(ctx, in.Matrix, ran)
	}
	return in, Stable(in.Matrix, in.Matrix.Columns)
}

// unnoticed returns calls that tell slips in conditions from the policies, which suites do not
// notice, and the slips of which it is not known whether a call does.
func (w *Workspace) unnoticed(ctx context.Context, m *matrix.Matrix, ran *testrunner.Result) (gaps []testgen.Gap, unknown []string, err error) {
	progress, end := w.o.Progress.begin("mutating the conditions")
	defer end()
	made, err := w.mutants()
	if err != nil {
		return nil, nil, err
	}
	mutants := slices.DeleteFunc(made, func(m *mutate.Mutant) bool { return !m.Operator.InCondition() })
	r, err := mutation.Run(ctx, &mutation.Input{Tests: ran, Matrix: m, Mutants: mutants, Open: w.openMutant, Policies: w.mutantPolicies, Now: w.Now, Progress: progress})
	if err != nil {
		return nil, nil, err
	}
	for i := range r.Outcomes {
		if o := &r.Outcomes[i]; o.Status == mutation.Unknown {
			unknown = append(unknown, slipOf(o.Mutant))
		}
	}
	return survivors(r), unknown, nil
}

// survivors returns the calls that tell mutants which survived from the policies.
func survivors(r *mutation.Result) []testgen.Gap {
	var gaps []testgen.Gap
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		if o.Status != mutation.Survived {
			continue
		}
		d := &o.Difference
		gap := testgen.Gap{Why: "changes " + slipOf(o.Mutant), Principal: d.Principal, Column: d.Column, Arguments: d.Arguments}
		if d.A.Access == matrix.Allowed {
			gap.Expect = authz.Allow
		}
		gaps = append(gaps, gap)
	}
	return gaps
}

// slipOf says what a mutant has wrong: if large had 9 in place of 10.
func slipOf(m *mutate.Mutant) string {
	short := func(text string) string {
		const most = 60
		if runes := []rune(strings.Join(strings.Fields(text), " ")); len(runes) > most {
			return string(runes[:most]) + "..."
		}
		return strings.Join(strings.Fields(text), " ")
	}
	_, name, named := strings.Cut(m.Of, "#")
	if !named {
		name = m.Of
	}
	if m.After == "" {
		return fmt.Sprintf("if %s were without %s", name, short(m.Before))
	}
	return fmt.Sprintf("if %s had %s in place of %s", name, short(m.After), short(m.Before))
}

// Missing says which cases are to be added to the suites that there are.
type Missing struct {
	Uncovered bool // those that would cover what no suite covers
	Survivors bool // those that would notice the mutants that survive
}

// title is what suites of such cases are called.
func (x Missing) title() string {
	switch {
	case x.Uncovered && x.Survivors:
		return "what other suites leave out"
	case x.Survivors:
		return "what no other suite notices"
	}
	return "what no other suite covers"
}

// GenerateMissing makes suites of the cases that the suites lack. Where they lack none, the
// error is [testgen.ErrNothing].
func (w *Workspace) GenerateMissing(ctx context.Context, x Missing) (*testgen.Suites, error) {
	in, err := w.Generation(ctx)
	if err != nil {
		return nil, err
	}
	var gaps []testgen.Gap
	if x.Uncovered {
		if gaps, err = w.uncoveredGaps(ctx, in.Matrix); err != nil {
			return nil, err
		}
	}
	if x.Survivors {
		r, err := w.Mutate(ctx, &Mutating{})
		if err != nil {
			return nil, err
		}
		gaps = append(gaps, survivors(r.Result)...)
	}
	return testgen.Additions(ctx, in, x.title(), gaps)
}

// uncoveredGaps returns the cases that would cover what no suite covers.
func (w *Workspace) uncoveredGaps(ctx context.Context, m *matrix.Matrix) ([]testgen.Gap, error) {
	ran, err := w.Test(ctx, m, testrunner.Filter{})
	if err != nil {
		return nil, err
	}
	if ran == nil {
		return nil, wrong(errors.New("there are no suites yet: write the first with --generate alone"))
	}
	c, err := w.coverage(ctx, m, ran, &Coverage{})
	if err != nil {
		return nil, err
	}
	effects := map[string]authz.Effect{"allow": authz.Allow, "deny": authz.Deny, "conditional": authz.Conditional}
	var gaps []testgen.Gap
	for i := range c.Points {
		p := &c.Points[i]
		if p.State != testcoverage.Uncovered {
			continue
		}
		for _, want := range p.Want {
			gaps = append(gaps, testgen.Gap{Why: "covers " + p.Title(), Principal: want.Principal, Column: want.Column, Arguments: want.Arguments, Expect: effects[want.Expect]})
		}
	}
	return gaps, nil
}
