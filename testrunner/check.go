package testrunner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Check is what a case of a Cerbos suite asks: one action on one resource, of which no
// enforcement point and no inventory need to know. Such a case has one principal and no
// server, item and operation.
type Check struct {
	Action   string
	Resource string // its key in the suite
	Kind, ID string // of the resource
	// Implied says that the suite lists nothing for this, so that a denial is expected.
	Implied bool
	// Of is what was asked and decided, and with which options; nil if a report was read
	// that does not tell. Workspace.ExplainChecks has the rules that took part put into
	// the Cell of a case.
	Of *pdp.Check
}

// Checked returns what suites of Cerbos came to as results among those of others.
func Checked(list []*pdp.Suite) []*SuiteResult {
	results := make([]*SuiteResult, len(list))
	for i, s := range list {
		results[i] = &SuiteResult{Name: s.Name, File: s.Pos.File, Pos: s.Pos, Err: s.Err, Cerbos: true, Skipped: s.Skipped, SkipReason: s.SkipReason}
		for _, c := range s.Checks {
			results[i].Cases = append(results[i].Cases, caseOf(c))
		}
	}
	return results
}

func caseOf(c *pdp.Check) *Case {
	of := &c.Request.Resource
	x := &Case{
		Test: c.Test, Pos: c.Pos, Message: c.Message, Outputs: c.Outputs, Want: accessOf(c.Want),
		Check: &Check{Action: c.Request.Action, Resource: c.Resource, Kind: of.Kind, ID: of.ID, Implied: c.Implied, Of: c},
	}
	x.Principals = append(x.Principals, c.Request.Principal)
	switch c.Outcome {
	case pdp.CheckPassed:
		x.Got = accessOf(c.Got)
	case pdp.CheckFailed:
		x.Outcome, x.Got = Failed, accessOf(c.Got)
	case pdp.CheckErrored:
		x.Outcome = Errored
	case pdp.CheckSkipped:
		x.Outcome = Skipped
	}
	return x
}

// Undecided returns a case that says why a suite could not be run, in place of its own,
// or nil. It is in no count.
func (s *SuiteResult) Undecided() *Case {
	if s.Err == nil {
		return nil
	}
	pos, text := s.Pos, s.Err.Error()
	var first *source.Error
	if errors.As(s.Err, &first) {
		pos, text = first.Pos, first.Err.Error()
	}
	return &Case{Outcome: Errored, Message: text, Pos: pos, Sentence: "the suite " + source.Quote(s.Name) + " could not be run"}
}

// Invalid joins the errors of the suites that could not be run.
func (r *Result) Invalid() error {
	if r == nil {
		return nil
	}
	var errs []error
	for _, s := range r.Suites {
		errs = append(errs, s.Err)
	}
	return errors.Join(errs...)
}

// checkedKeys lists the keys of the principals of Cerbos suites.
func checkedKeys(list []*SuiteResult) []string {
	var keys []string
	for _, s := range list {
		for _, c := range s.Cases {
			keys = append(keys, c.Principals[0].Key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// leaves returns what the filter leaves of suites of Cerbos. A suite that could not be
// run is left if its name is.
func (f *foundFilter) leaves(list []*SuiteResult) []*SuiteResult {
	if f.claims || f.items != nil {
		return nil
	}
	var left []*SuiteResult
	for _, s := range list {
		if f.suites != nil && !f.suites[s.Name] && !f.suites[s.File] {
			continue
		}
		some := *s
		some.Cases = slices.DeleteFunc(slices.Clone(s.Cases), func(c *Case) bool {
			return f.tests != nil && !f.tests[c.Test] || f.keys != nil && !f.keys[c.Principals[0].Key] ||
				len(f.texts) > 0 && !f.wants(s.Name, s.File, c, c.Principals[0]) || f.shard != nil && !f.shard[shardName(s.Name, c.Test)]
		})
		if len(some.Cases) > 0 || s.Err != nil || f.tests == nil && f.keys == nil && len(f.texts) == 0 && f.shard == nil {
			left = append(left, &some)
		}
	}
	return left
}

// accessOf returns an effect in the words of expectations.
func accessOf(e authz.Effect) string {
	if e == authz.Allow {
		return matrix.Allowed.String()
	}
	return matrix.Denied.String()
}

// Whole returns the suites, of a result that may be nil.
func (r *Result) Whole() []*SuiteResult {
	if r == nil {
		return nil
	}
	return r.Suites
}

// ExplainChecks decides cases of Cerbos suites again, by an engine that has their options
// and names rules, for how they came about: each has its Cell then, unless the two do not
// agree, and one that failed a Message.
func ExplainChecks(ctx context.Context, m *matrix.Matrix, d pdp.Decider, cases []*Case) error {
	trials := make([]matrix.Trial, len(cases))
	for i, c := range cases {
		column := &matrix.Column{Question: pep.Question{Requests: []authz.Request{c.Check.Of.Request}}}
		trials[i] = matrix.Trial{Column: column, Principals: c.Principals}
	}
	cells, err := m.Try(ctx, d, trials)
	if err != nil {
		return fmt.Errorf("explain cases: %w", err)
	}
	known := newLooks(d)
	for i, c := range cases {
		if c.Got != cells[i][0].Access.String() {
			continue
		}
		c.Cell = cells[i][0]
		if c.Outcome == Failed && c.Want != c.Got {
			b := bound{Case: c, column: trials[i].Column, options: &Options{Now: c.Check.Of.Options.Now}}
			c.Message = oneLine(b.why())
			c.Values = b.values(c.Principals[0], known)
		}
	}
	return nil
}
