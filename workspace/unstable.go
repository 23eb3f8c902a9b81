package workspace

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A cell is unstable if the engine may decide it otherwise when it loads the same
// policies again. A command that is about such cells alone ends with an error; a
// report that has other results too does not pass, whatever is waived.

// Stable returns an error if some cells of the columns are unstable.
func Stable(m *matrix.Matrix, columns []*matrix.Column) error {
	var errs []error
	for _, u := range m.Unstable(columns) {
		errs = append(errs, unstable(u.Disagreement, u.String()))
	}
	return errors.Join(errs...)
}

func unstable(d *policy.Disagreement, what string) error {
	return source.Errorf(d.Pos(), "%s disagree on scopePermissions, so that the next load may decide %s otherwise: give all of them the same (mcpolicy rules mixed-scope-permissions)", d, what)
}

// doubt returns an error if cells or cases of a report are unstable. The report
// does not pass then, whatever it is asked to leave out.
func (w *Workspace) doubt(d *report.Document, m *matrix.Matrix) error {
	noAnswer := w.stableCases(d.Tests)
	if d.Linted {
		noAnswer = cmp.Or(Stable(m, m.Columns), noAnswer)
	}
	return noAnswer
}

// stableCases makes unstable cases errored ones, and returns an error if there are any.
func (w *Workspace) stableCases(r *testrunner.Result) error {
	if r == nil {
		return nil
	}
	disagreements := w.Policies.Disagreements()
	hang := map[*policy.Disagreement]int{}
	for _, s := range r.Suites {
		for _, c := range s.Cases {
			if c.Cell == nil {
				continue
			}
			if d := matrix.HangsOn(disagreements, c.Cell.Rules); d != nil {
				c.Outcome, c.Cell, c.Values = testrunner.Errored, nil, nil
				c.Message = d.String() + " disagree on scopePermissions: the next load may decide otherwise"
				hang[d] += len(c.Principals)
			}
		}
	}
	var errs []error
	for _, d := range disagreements {
		if n := hang[d]; n > 0 {
			errs = append(errs, unstable(d, fmt.Sprintf("%d of the cases", n)))
		}
	}
	return errors.Join(errs...)
}

// stableFor returns an error if the columns are unstable for anybody, declared or not:
// a role may be asked about that nobody has.
func (w *Workspace) stableFor(m *matrix.Matrix, columns ...*matrix.Column) error {
	if err := Stable(m, columns); err != nil {
		return err
	}
	return w.stableForAnybody(columns)
}
