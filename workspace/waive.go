package workspace

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// Accepted returns the findings that count today and that a waiver would accept. If
// there are none, the error is a [UsageError] that says what there is, unless forced.
func (w *Workspace) Accepted(ctx context.Context, m *matrix.Matrix, waiver *config.Waiver, force bool) ([]lint.Finding, error) {
	mine := LintWaiver(waiver)
	mine.Pos = source.Pos{File: w.Config.File} // others have a line
	lintWith := func(waivers ...lint.Waiver) ([]lint.Finding, error) {
		list, err := w.Lint(ctx, m, nil, Rules{Only: []string{waiver.Rule}, Waivers: waivers})
		return slices.DeleteFunc(list, func(f lint.Finding) bool { return f.Rule != waiver.Rule }), err
	}
	before, err := lintWith()
	if err != nil {
		return nil, err
	}
	after, err := lintWith(mine)
	if err != nil {
		return nil, err
	}
	accepted := slices.DeleteFunc(after, func(f lint.Finding) bool { return f.WaivedAt != mine.Pos })
	if len(accepted) > 0 || force {
		return accepted, nil
	}
	return nil, wrong(acceptsNone(waiver.Rule, before))
}

// acceptsNone says what a rule finds where a waiver accepts nothing of it.
func acceptsNone(rule string, findings []lint.Finding) error {
	var open []string
	for _, f := range findings {
		if !f.Waived {
			open = append(open, fmt.Sprintf("%s: %s", f.Pos, f.Message))
		}
	}
	switch {
	case len(findings) == 0:
		return fmt.Errorf("%s finds nothing; --force writes the waiver all the same", rule)
	case len(open) == 0:
		return fmt.Errorf("%s finds nothing that is not accepted already; --force writes the waiver all the same", rule)
	}
	const most = 5
	more := ""
	if len(open) > most {
		more = fmt.Sprintf("; and %d more", len(open)-most)
	}
	return fmt.Errorf("the waiver accepts no finding that counts (--force writes it all the same); there are: %s%s", strings.Join(open[:min(len(open), most)], "; "), more)
}
