package workspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcpolicy/mcpolicy/accesslock"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/drift"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Checks say what is checked.
type Checks struct {
	Lint  *Rules             // nil leaves lint out
	Tests *testrunner.Filter // nil leaves the suites out
	// Coverage measures what the suites cover; nil leaves that out.
	Coverage *Coverage
	// CompareEmbedded compares what a running PDP decides with what the embedded engine
	// does; Against is the PDP's name in reports.
	CompareEmbedded bool
	Against         string
	// Details has what only pages show looked up for the report.
	Details bool
	// Lock verifies the lock beside the config, if there is one.
	Lock bool
}

// Everything is what CI checks.
func Everything() Checks { return Checks{Lint: &Rules{}, Tests: &testrunner.Filter{}, Lock: true} }

// Check builds the matrix and judges it. If some cells or cases cannot be relied on,
// Doubt of the report says why.
func (w *Workspace) Check(ctx context.Context, c Checks) (*report.Document, error) {
	d, _, err := w.check(ctx, c)
	return d, err
}

// check returns the matrix, too.
func (w *Workspace) check(ctx context.Context, c Checks) (*report.Document, *matrix.Matrix, error) {
	start := time.Now()
	baseline, err := w.baselineOf(c.Lint)
	if err != nil {
		return nil, nil, err
	}
	var locked *accesslock.Lock
	if c.Lock {
		if locked, err = w.Locked(); err != nil {
			return nil, nil, err
		}
	}
	m, d, err := w.decideFor(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if locked != nil {
		r, err := w.VerifyLock(ctx, locked)
		if err != nil {
			return nil, nil, err
		}
		d.Lock = report.NewLock(r, locked)
	}
	if c.Tests != nil {
		d.Proving, d.Shard = c.Tests.Claims, c.Tests.Shard
		if d.Tests, err = w.Test(ctx, m, *c.Tests); err != nil {
			return nil, nil, err
		}
		if err := w.noteCerbos(d, c.Tests); err != nil {
			return nil, nil, err
		}
	}
	if c.Coverage != nil && d.Tests != nil {
		if d.Coverage, err = w.coverage(ctx, m, d.Tests, c.Coverage); err != nil {
			return nil, nil, err
		}
	}
	if c.Lint != nil {
		if err := w.lintFor(ctx, d, m, baseline, c.Lint); err != nil {
			return nil, nil, err
		}
	}
	if c.Details && d.Matrix != nil {
		if d.Details, err = w.Details(ctx, m); err != nil {
			return nil, nil, err
		}
	}
	d.Doubt = errors.Join(w.doubt(d, m), invalidSuites(d.Tests))
	if err := nothingDecided(d.Tests); err != nil && c.Lint == nil {
		d.Doubt = errors.Join(d.Doubt, err)
	} else if err != nil {
		d.Notes = append(d.Notes, report.Note{Message: err.Error()})
	}
	d.Elapsed, d.Scope = time.Since(start), report.ScopeOf(m)
	return d, m, nil
}

// nothingDecided returns an error if suites were run and all cases were skipped: nothing
// was tested then, and nothing else was looked at.
func nothingDecided(r *testrunner.Result) error {
	if r == nil {
		return nil
	}
	n := r.Counts()
	switch {
	case n.Passed+n.Failed+n.Errored > 0:
		return nil
	case n.Skipped == 1:
		return errors.New("nothing was tested: the only case is skipped")
	case n.Skipped > 1:
		return fmt.Errorf("nothing was tested: all %d cases are skipped", n.Skipped)
	}
	return errors.New("nothing was tested: the suites come to no case")
}

// lintFor adds to a report what lint finds.
func (w *Workspace) lintFor(ctx context.Context, d *report.Document, m *matrix.Matrix, b *lint.Baseline, rules *Rules) error {
	rules, err := known(b, m, rules)
	if err != nil {
		return err
	}
	if d.Findings, err = w.Lint(ctx, m, d.Tests, *rules); err != nil {
		return err
	}
	lacking, err := w.lacking(w.Engine, *rules)
	if err != nil {
		return err
	}
	d.Notes = append(d.Notes, lacking...)
	if b != nil {
		d.SetBaseline(w.baselineReport(b, d.Findings, *rules))
	}
	return nil
}

// CheckSince is Check, and says besides what changed in access since a base, nil if there
// was none, and which findings the base has, too.
func (w *Workspace) CheckSince(ctx context.Context, base *Workspace, c Checks) (*report.Document, *diff.Result, error) {
	var before *matrix.Matrix
	var had *lint.Baseline // what the base has or knows
	if base != nil {
		was, m, err := base.check(ctx, Checks{Lint: c.Lint.withoutBaseline()})
		if err != nil {
			return nil, nil, err
		}
		before = m
		had = lint.NewBaseline(was.Findings)
		if c.Lint != nil {
			rules := *c.Lint
			rules.Known = rules.Known.Or(lint.KnownOf(was.Findings))
			c.Lint = &rules
		}
	}
	d, m, err := w.check(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if base != nil && c.Lint != nil {
		if err := w.noteAdded(d, base, had); err != nil {
			return nil, nil, err
		}
	}
	r, err := w.diff(ctx, base, m, before)
	return d, r, err
}

// noteAdded notes the findings that do not count only because the change itself has put them
// into the baseline: neither did the base have them, nor did its baseline know them.
func (w *Workspace) noteAdded(d *report.Document, base *Workspace, had *lint.Baseline) error {
	old, err := base.Baseline()
	if err != nil {
		return err
	}
	n := 0
	for i := range d.Findings {
		if f := &d.Findings[i]; f.Known && !had.Has(f) && (old == nil || !old.Has(f)) {
			n++
		}
	}
	switch {
	case n == 1:
		d.Notes = append(d.Notes, report.Note{Pos: source.Pos{File: w.BaselineFile()}, Message: "1 finding does not count because this change has put it into the baseline"})
	case n > 1:
		d.Notes = append(d.Notes, report.Note{Pos: source.Pos{File: w.BaselineFile()}, Message: fmt.Sprintf("%d findings do not count because this change has put them into the baseline", n)})
	}
	return nil
}

// decideFor decides what checks look at. Suites decide themselves what they ask
// about.
func (w *Workspace) decideFor(ctx context.Context, c Checks) (*matrix.Matrix, *report.Document, error) {
	progress, end := w.o.Progress.begin("deciding")
	defer end()
	m, err := w.outline(w.Servers, w.Decider, progress)
	if err == nil && c.Lint != nil {
		err = m.Decide(ctx, m.Columns)
	}
	d := &report.Document{Notes: w.Notes(), Linted: c.Lint != nil, Source: w.Source}
	if err == nil && c.CompareEmbedded {
		d.Drift, err = w.compare(ctx, c.Against, m, progress)
	}
	if err != nil {
		return nil, nil, err
	}
	if c.Lint != nil && c.Tests != nil {
		d.Matrix = m // everything is reported
	}
	return m, d, nil
}

// compare holds the matrix that a PDP decided against the one that the embedded
// engine decides over the policies at hand.
func (w *Workspace) compare(ctx context.Context, against string, production *matrix.Matrix, progress func(done, total int)) (*report.Drift, error) {
	checkout, err := w.outline(w.Servers, w.Engine, progress)
	if err == nil {
		err = checkout.Decide(ctx, checkout.Columns)
	}
	_, end := w.o.Progress.begin("comparing with the running PDP")
	defer end()
	if err == nil {
		err = Stable(checkout, checkout.Columns)
	}
	if err != nil {
		return nil, err
	}
	result, err := drift.Compare(ctx, drift.Input{Checkout: checkout, Production: production, Solver: solver.New(w.Engine.Leaves())})
	if err != nil {
		return nil, err
	}
	return &report.Drift{Against: against, Cells: result.Cells, List: result.Found}, nil
}

// Notes are what every report says about inventories: what of them is accepted
// though it may be incomplete, and what was noticed while reading.
func (w *Workspace) Notes() []report.Note {
	var list []report.Note
	for _, g := range w.accepted {
		list = append(list, report.Note{
			Rule: "inventory-incomplete", Server: g.server, Pos: g.Pos,
			Message: "the inventory of " + g.server + " may be incomplete, which is accepted: " + g.Message,
		})
	}
	for _, s := range w.Servers {
		for _, n := range s.Inventory.Notes {
			list = append(list, report.Note{Server: s.Name, Pos: n.Pos, Message: n.Message})
		}
	}
	return list
}
