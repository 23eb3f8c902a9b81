package workspace

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// CerbosSuites lists the suites of Cerbos's own below the policies that [Workspace.Test]
// runs, by the names that positions have. There are none where they are to be left out,
// where suites are given in place of those of the config, and where a running PDP decides:
// they are about the policies at hand.
func (w *Workspace) CerbosSuites() ([]string, error) {
	if w.o.NoCerbosTests || w.Config.CerbosTests.Skip || len(w.in.Suites) > 0 || w.remote != nil {
		return nil, nil
	}
	return w.cerbosFiles()
}

func (w *Workspace) cerbosFiles() ([]string, error) {
	files, _, err := embedded.SuiteFiles(w.policyFS)
	if err != nil {
		return nil, source.FileError(w.engine.Prefix, err)
	}
	leave, err := w.ownSuites()
	if err != nil {
		return nil, err
	}
	var list []string
	for _, name := range files {
		if !leave(name) {
			list = append(list, path.Join(w.engine.Prefix, name))
		}
	}
	return list, nil
}

// ownSuites returns which files below the policies are suites that the config names as
// its own.
func (w *Workspace) ownSuites() (func(file string) bool, error) {
	suites, err := w.Suites()
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for _, s := range suites {
		own[s.Pos.File] = true
	}
	return func(file string) bool { return w.in.Policies == nil && own[path.Join(w.engine.Prefix, file)] }, nil
}

// verify runs the suites of Cerbos's own.
func (w *Workspace) verify(ctx context.Context) ([]*testrunner.SuiteResult, error) {
	files, err := w.CerbosSuites()
	if err != nil || len(files) == 0 {
		return nil, err
	}
	leave, err := w.ownSuites()
	if err != nil {
		return nil, err
	}
	c := w.Config.CerbosTests
	list, err := w.Engine.Verify(ctx, w.policyFS, pdp.VerifyOptions{
		IgnoreSchemas: c.IgnoreSchemas, StrictEvaluation: c.StrictEvaluation, Leave: leave, Prefix: w.engine.Prefix,
	})
	if err != nil {
		return nil, fmt.Errorf("run the Cerbos suites: %w", err)
	}
	return testrunner.Checked(list), nil
}

// explainChecks looks up how cases of Cerbos suites that failed were decided, and those
// that passed where policies disagree on how to be read, so that they may hang on chance.
func (w *Workspace) explainChecks(ctx context.Context, m *matrix.Matrix, r *testrunner.Result) error {
	all := len(w.Policies.Disagreements()) > 0
	var cases []*testrunner.Case
	for _, s := range r.Suites {
		for _, c := range s.Cases {
			if c.Check != nil && (c.Outcome == testrunner.Failed || all && c.Outcome == testrunner.Passed) {
				cases = append(cases, c)
			}
		}
	}
	return w.ExplainChecks(ctx, m, cases)
}

// ExplainChecks has the cells of cases of Cerbos suites decided, with the rules that took
// part, each by an engine with the options of its suite. Cases that errored or are skipped
// have none.
func (w *Workspace) ExplainChecks(ctx context.Context, m *matrix.Matrix, cases []*testrunner.Case) error {
	_, err := w.checked(ctx, m, cases)
	return err
}

// noteCerbos notes which suites of Cerbos's did not run.
func (w *Workspace) noteCerbos(d *report.Document, filter *testrunner.Filter) error {
	var suites []*testrunner.SuiteResult
	if d.Tests != nil {
		suites = d.Tests.Suites
	}
	for _, s := range suites {
		if s.Skipped {
			text := fmt.Sprintf("the Cerbos suite %s is skipped", source.Quote(s.Name))
			if s.SkipReason != "" {
				text += ": " + s.SkipReason
			}
			d.Notes = append(d.Notes, report.Note{Pos: s.Pos, Message: text})
		}
	}
	if w.remote == nil || filter.Claims || w.o.NoCerbosTests || w.Config.CerbosTests.Skip || len(w.in.Suites) > 0 {
		return nil
	}
	files, err := w.cerbosFiles()
	if err == nil && len(files) > 0 {
		d.Notes = append(d.Notes, report.Note{
			Pos:     source.Pos{File: files[0]},
			Message: "the Cerbos suites did not run: they are about the policies at hand, and a running PDP decides here; leave --pdp out to run them",
		})
	}
	return err
}

// invalidSuites says which suites of Cerbos's could not be run. Whatever else passes, the
// run does not.
func invalidSuites(r *testrunner.Result) error {
	var errs []error
	for _, m := range source.Mistakes(r.Invalid()) {
		var placed *source.Error
		if errors.As(m, &placed) {
			m = source.Errorf(placed.Pos, "this Cerbos suite cannot be run: %w", placed.Err)
		}
		errs = append(errs, m)
	}
	return errors.Join(errs...)
}
