package workspace

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Coverage says how coverage is measured.
type Coverage struct {
	// Thresholds are what has to be covered; those of the config count for kinds that are
	// not among them.
	Thresholds testcoverage.Thresholds
	// Since is the name of what lines have to be changed since to be counted, "" for all,
	// and Before the folder of the config as it was there, nil if there was none.
	Since  string
	Before fs.FS
}

// coverage measures what a run covers.
func (w *Workspace) coverage(ctx context.Context, m *matrix.Matrix, r *testrunner.Result, of *Coverage) (*testcoverage.Coverage, error) {
	if w.remote != nil {
		return nil, wrong(errors.New("coverage goes by the embedded engine, which decides by changed policies: leave --pdp out"))
	}
	progress, end := w.o.Progress.begin("measuring coverage")
	defer end()
	decisions, err := w.checkDecisions(ctx, m, r)
	if err != nil {
		return nil, err
	}
	c, err := testcoverage.Measure(ctx, &testcoverage.Input{
		Matrix: m, Result: r, Decisions: decisions, Strict: w.Config.Engine.StrictEvaluation, Now: w.Now,
		File: w.policyFile, Open: w.openOverlaid, Progress: progress,
		Prover: func(ctx context.Context, by pdp.Decider, o *testrunner.Options) (*prove.Prover, error) {
			return w.proverBy(by, w.Engine.Leaves(), o.Now)
		},
	})
	if err != nil {
		return nil, err
	}
	if of.Since != "" {
		c.Since = of.Since
		c.Only(w.changedLines(of.Before))
	}
	thresholds := testcoverage.Thresholds{}
	for kind, least := range w.Config.Coverage.Min {
		thresholds[testcoverage.Kind(kind)] = least
	}
	for kind, least := range of.Thresholds {
		thresholds[kind] = least
	}
	c.Hold(thresholds)
	return c, nil
}

// openOverlaid opens the policies with other content in some files, by the options of a
// suite.
func (w *Workspace) openOverlaid(ctx context.Context, files map[string][]byte, o *testrunner.Options) (pdp.Decider, error) {
	return embedded.Open(ctx, w.overlaid(files), w.engineWith(o.Now, o.Globals))
}

// changedLines returns which lines of the policies are not as they were in a folder.
func (w *Workspace) changedLines(before fs.FS) func(file string, first, last int) bool {
	known := map[string]func(first, last int) bool{}
	return func(file string, first, last int) bool {
		has := known[file]
		if has == nil {
			var old []byte
			if before != nil {
				old, _ = source.ReadFile(source.OrdinaryFS{FS: before}, file) // all is new of what was not there
			}
			now, _ := source.ReadFile(w.policyFS, w.below(file)) // it was read before
			has = testcoverage.ChangedLines(old, now)
			known[file] = has
		}
		return has(first, last)
	}
}

// checkCoverage reports thresholds of what there is not to cover.
func checkCoverage(c *config.Config) error {
	var errs []error
	for _, kind := range slices.Sorted(maps.Keys(c.Coverage.Min)) {
		if known := testcoverage.KindNames(); !slices.Contains(known, kind) {
			errs = append(errs, source.Errorf(c.At("coverage", "min", kind), "unknown kind %q%s; the kinds are %s", kind, source.DidYouMean(kind, known), strings.Join(known, ", ")))
		}
	}
	return errors.Join(errs...)
}
