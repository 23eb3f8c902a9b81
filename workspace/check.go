package workspace

import (
	"context"
	"time"

	"github.com/mcpolicy/mcpolicy/accesslock"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/drift"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Checks say what is checked.
type Checks struct {
	Lint  *Rules             // nil leaves lint out
	Tests *testrunner.Filter // nil leaves the suites out
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
	var locked *accesslock.Lock
	if c.Lock {
		var err error
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
		d.Proving = c.Tests.Claims
		if d.Tests, err = w.Test(ctx, m, *c.Tests); err != nil {
			return nil, nil, err
		}
	}
	if c.Lint != nil {
		if d.Findings, err = w.Lint(ctx, m, d.Tests, *c.Lint); err != nil {
			return nil, nil, err
		}
		lacking, err := w.lacking(w.Engine, *c.Lint)
		if err != nil {
			return nil, nil, err
		}
		d.Notes = append(d.Notes, lacking...)
	}
	if c.Details && d.Matrix != nil {
		if d.Details, err = w.Details(ctx, m); err != nil {
			return nil, nil, err
		}
	}
	d.Doubt = w.doubt(d, m)
	d.Elapsed, d.Scope = time.Since(start), report.ScopeOf(m)
	return d, m, nil
}

// CheckSince is Check, and says besides what changed in access since a base, nil if there
// was none, and which findings the base has, too.
func (w *Workspace) CheckSince(ctx context.Context, base *Workspace, c Checks) (*report.Document, *diff.Result, error) {
	d, m, err := w.check(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	var before *matrix.Matrix
	if base != nil {
		var was *report.Document
		if was, before, err = base.check(ctx, Checks{Lint: c.Lint}); err != nil {
			return nil, nil, err
		}
		report.MarkKnown(d.Findings, was.Findings)
	}
	r, err := w.diff(ctx, base, m, before)
	return d, r, err
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
	d := &report.Document{Notes: w.Notes(), Linted: c.Lint != nil}
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
