package testrunner_test

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// load reads a world as the command does. The real engine decides.
func load(ctx context.Context, fsys fs.FS) (*testrunner.Input, error) {
	w, err := fixture.Open(ctx, fsys, "", workspace.Options{Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return nil, err
	}
	suites, err := w.Suites()
	if err != nil {
		return nil, err
	}
	m, err := w.Matrix(ctx)
	if err != nil {
		return nil, err
	}
	return &testrunner.Input{
		Suites: suites, Matrix: m, Groups: w.Principals.Groups, Prover: w.Prover,
		Reopen: func(now time.Time, globals map[string]any) (pdp.Decider, error) { return w.Reopen(ctx, now, globals) },
	}, nil
}

// describe writes a result as the archives in testdata want it.
func describe(r *testrunner.Result) string {
	var b strings.Builder
	for _, s := range r.Suites {
		fmt.Fprintf(&b, "suite %q %v\n", s.Name, s.Pos)
		if c := s.Undecided(); c != nil {
			fmt.Fprintf(&b, "%v: %v: %s: %s\n", c.Pos, c.Outcome, c.Sentence, c.Message)
		}
		for _, c := range s.Cases {
			if c.Empty {
				fmt.Fprintf(&b, "%v: %v: %q: %v: want %q: %s\n", c.Pos, c.Outcome, c.Test, c.Operation, c.Want, c.Message)
				continue
			}
			if c.Sentence != "" {
				fmt.Fprintf(&b, "%v: %v: %s: %s\n", c.Pos, c.Outcome, c.Sentence, cmp.Or(c.Message, c.Got))
				continue
			}
			var who []string
			for _, p := range c.Principals {
				who = append(who, p.Key)
			}
			what := c.Operation.String()
			if x := c.Check; x != nil {
				what = fmt.Sprintf("%s on %s (%s %s)", x.Action, x.Resource, x.Kind, x.ID)
				if x.Implied {
					what += ", implied"
				}
			} else {
				what += " " + c.Item.Name
			}
			fmt.Fprintf(&b, "%v: %v: %s %s", c.Pos, c.Outcome, strings.Join(who, ","), what)
			if c.Arguments != nil {
				fmt.Fprintf(&b, " %v", c.Arguments)
			}
			if c.When != "" {
				fmt.Fprintf(&b, " when %s", c.When)
			}
			fmt.Fprintf(&b, ": want %s", c.Want)
			if c.Outcome != testrunner.Skipped {
				fmt.Fprintf(&b, ", got %s", c.Got)
			}
			if c.Message != "" {
				fmt.Fprintf(&b, ": %s", c.Message)
			}
			b.WriteByte('\n')
			for _, wrong := range c.Outputs {
				fmt.Fprintf(&b, "\t%s\n", wrong)
			}
			if c.Outcome != testrunner.Failed {
				continue
			}
			if x := c.Comparison; x != nil {
				fmt.Fprintf(&b, "\t%s\n", compared(x))
			}
			for _, rule := range c.Deciding() {
				fmt.Fprintf(&b, "\t%v rule %q\n", rule.Pos, rule.Name)
			}
			for _, v := range c.Values {
				fmt.Fprintf(&b, "\t%s = %s\n", v.Expr, v.Value)
			}
		}
	}
	n := r.Counts()
	fmt.Fprintf(&b, "%d passed, %d failed, %d errored, %d skipped\n", n.Passed, n.Failed, n.Errored, n.Skipped)
	return b.String()
}

// compared writes a comparison on a line.
func compared(x *testrunner.Comparison) string {
	text := x.Relation.String()
	if x.Allowed != nil {
		text += fmt.Sprintf(", allowed %v", x.Allowed.Arguments)
	}
	if x.Denied != nil {
		text += fmt.Sprintf(", denied %v", x.Denied.Arguments)
	}
	if len(x.Open) > 0 {
		text += fmt.Sprintf(", open %q", x.Open)
	}
	return text
}
