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

// Cells that the next load of the same policies may decide otherwise are no
// answer: who asked for nothing else gets an error, and a report that goes on
// without them says so, whatever is waived.

// Stable returns an error if some cells of the columns are no answer.
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

// doubt returns an error if cells or cases of a report are no answer. The report
// is then no pass, whatever it is asked to leave out.
func (w *Workspace) doubt(d *report.Document, m *matrix.Matrix) error {
	noAnswer := w.stableCases(d.Tests)
	if d.Linted {
		noAnswer = cmp.Or(Stable(m, m.Columns), noAnswer)
	}
	return noAnswer
}

// stableCases makes cases that are no answer errors, and returns one if there
// are any.
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

// stableFor returns an error if what somebody may do in the columns is no
// answer, declared or not: a role may be asked about that nobody has.
func (w *Workspace) stableFor(m *matrix.Matrix, columns ...*matrix.Column) error {
	if err := Stable(m, columns); err != nil {
		return err
	}
	e := w.Config.Engine
	for _, col := range columns {
		for i := range col.Question.Requests {
			if d := matrix.MayHangOn(w.Policies, &col.Question.Requests[i], e.DefaultPolicyVersion, e.DefaultScope); d != nil {
				return unstable(d, fmt.Sprintf("who may %v %s on %s", col.Operation, col.Item.Name, col.Server.Name))
			}
		}
	}
	return nil
}
