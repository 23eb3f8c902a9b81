package testgen_test

import (
	"context"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/testgen"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A slip is policies with a mistake in them.
type slip struct {
	what string
	*workspace.Workspace
}

// unnoticed finds calls that tell slips from the policies of a matrix, where suites do not
// notice them.
func unnoticed(t *testing.T, m *matrix.Matrix, slips []slip) func(context.Context, *testrunner.Result) ([]testgen.Gap, []string, error) {
	t.Helper()
	f := apart.New(m, m.Decider())
	var cells []apart.Cell
	for _, c := range m.Classes {
		for _, col := range m.Columns {
			cells = append(cells, apart.Cell{Principal: c.First(), Column: col})
		}
	}
	return func(ctx context.Context, ran *testrunner.Result) (gaps []testgen.Gap, unknown []string, err error) {
		for _, s := range slips {
			noticed := false
			for _, e := range ran.Engines() {
				failing, err := ran.Again(ctx, s.Engine, e.Cases)
				if err != nil {
					return nil, nil, err
				}
				noticed = noticed || len(failing) > 0
			}
			if noticed {
				continue
			}
			d, err := f.Any(ctx, s.Engine, cells)
			if err != nil {
				return nil, nil, err
			}
			switch d.Verdict {
			case solver.Possible:
				gap := testgen.Gap{Why: s.what, Principal: d.Principal, Column: d.Column, Arguments: d.Arguments}
				if d.A.Access == matrix.Allowed {
					gap.Expect = authz.Allow
				}
				gaps = append(gaps, gap)
			case solver.Unknown:
				unknown = append(unknown, s.what)
			case solver.Impossible:
			}
		}
		return gaps, unknown, nil
	}
}
