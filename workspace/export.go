package workspace

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/cerbossuite"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A CerbosExport is what came of suites, and how they are to be run.
type CerbosExport struct {
	*cerbossuite.Export
	// IgnoreSchemas says that they come out as here only with the flag of that name.
	IgnoreSchemas bool
}

// ExportCerbos writes the suites as Cerbos's own have them. What is written is run as
// Cerbos runs it, and what does not come out as it does here is left out and said. A
// filter that leaves nothing is a [UsageError].
func (w *Workspace) ExportCerbos(ctx context.Context, filter testrunner.Filter) (*CerbosExport, error) {
	_, end := w.o.Progress.begin("exporting the suites")
	defer end()
	m, err := w.outline(w.Servers, w.Engine, nil)
	if err != nil {
		return nil, err
	}
	suites, err := w.Suites()
	if err != nil {
		return nil, err
	}
	if len(suites) == 0 {
		return nil, wrong(source.Errorf(source.Pos{File: w.Config.File}, "nothing to export: name suites under tests, or give --tests"))
	}
	result, err := w.run(ctx, m, nil, filter, nil)
	if err != nil {
		return nil, err
	}
	_ = w.stableCases(result) // they have errored, and are left out with that
	e, err := cerbossuite.Write(ctx, &cerbossuite.Input{Result: result, Matrix: m, Options: w.engine})
	if err != nil {
		return nil, err
	}
	x := &CerbosExport{Export: e}
	return x, w.tryExport(ctx, x)
}

// tryExport runs what is to be written, and takes out what does not come out as here. A
// suite of which conditions read the clock has it pinned.
func (w *Workspace) tryExport(ctx context.Context, x *CerbosExport) error {
	ignore := w.engine.Schemas != pdp.EnforceReject
	list, err := w.verifyExport(ctx, x, ignore)
	if err != nil {
		return err
	}
	pinned := false
	for _, s := range x.Suites {
		if s.Clockless() && readsClock(list[s.File]) {
			s.At(w.Now.Truncate(time.Second))
			pinned = true
		}
	}
	if pinned {
		if list, err = w.verifyExport(ctx, x, ignore); err != nil {
			return err
		}
	}
	for _, s := range append([]*cerbossuite.Suite(nil), x.Suites...) {
		if why := differs(s, list[s.File]); why != "" {
			x.Drop(s, why)
		}
	}
	if ignore {
		if list, err = w.verifyExport(ctx, x, false); err != nil {
			return err
		}
		for _, s := range x.Suites {
			s.IgnoreSchemas = differs(s, list[s.File]) != ""
			x.IgnoreSchemas = x.IgnoreSchemas || s.IgnoreSchemas
		}
	}
	return nil
}

// verifyExport runs what is to be written, and returns what came of it by its files.
func (w *Workspace) verifyExport(ctx context.Context, x *CerbosExport, ignoreSchemas bool) (map[string]*pdp.Suite, error) {
	files := map[string][]byte{}
	for _, s := range x.Suites {
		files[s.File] = s.Data()
	}
	list, err := w.Engine.Verify(ctx, embedded.Files(files), pdp.VerifyOptions{IgnoreSchemas: ignoreSchemas})
	if err != nil {
		return nil, fmt.Errorf("run what is exported: %w", err)
	}
	of := map[string]*pdp.Suite{}
	for _, s := range list {
		of[s.Pos.File] = s
	}
	return of, nil
}

// readsClock reports whether checks of a suite errored for want of a clock.
func readsClock(s *pdp.Suite) bool {
	if s == nil {
		return false
	}
	for _, c := range s.Checks {
		if c.Outcome == pdp.CheckErrored && strings.Contains(c.Message, "time-based condition") {
			return true
		}
	}
	return false
}

// differs says why a suite does not come out as it does here, or "".
func differs(want *cerbossuite.Suite, got *pdp.Suite) string {
	if got == nil {
		return "Cerbos does not take it for a suite"
	}
	if got.Err != nil {
		return "Cerbos refuses it: " + got.Err.Error()
	}
	failing := 0
	for _, c := range got.Checks {
		switch c.Outcome {
		case pdp.CheckErrored, pdp.CheckSkipped:
			return "Cerbos cannot decide it: " + c.Message
		case pdp.CheckFailed:
			failing++
		case pdp.CheckPassed:
		}
	}
	if len(got.Checks) != want.Decisions || failing != want.Failing {
		return fmt.Sprintf("it does not come out the same with Cerbos: %d of %d decisions fail there, and %d of %d here",
			failing, len(got.Checks), want.Failing, want.Decisions)
	}
	return ""
}
