package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// linting is what the command line says about lint.
type linting struct {
	only, skip []string
	failOn     string
	noWaivers  bool
}

func (l *linting) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&l.only, "rule", nil, "only the lint rule `ID`; may be repeated")
	f.StringSliceVar(&l.skip, "skip", nil, "leave the lint rule `ID` out; may be repeated")
	f.StringVar(&l.failOn, "fail-on", "", "exit with 1 from this `SEVERITY` on: note, warning, error or off (default: the config's, or warning)")
	f.BoolVar(&l.noWaivers, "no-waivers", false, "count what waivers accept, and leave expired and stale waivers alone")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"rule": each(completeRules), "skip": each(completeRules),
		"fail-on": cobra.FixedCompletions(authz.Severities(), cobra.ShellCompDirectiveNoFileComp),
	})
}

// check finds mistakes on the command line before any work is done.
func (l *linting) check() error {
	var errs []error
	for _, id := range append(append([]string(nil), l.only...), l.skip...) {
		if _, err := lint.Find(id); err != nil {
			errs = append(errs, usageError{err})
		}
	}
	if l.failOn != "" {
		if _, err := parseFailOn(l.failOn); err != nil {
			errs = append(errs, usageError{err})
		}
	}
	return errors.Join(errs...)
}

// threshold is the severity from which on findings fail the run.
func (l *linting) threshold(w *session) authz.Severity {
	if s, err := parseFailOn(l.failOn); err == nil {
		return s
	}
	return w.FailOn()
}

// rules are those that the command line wants.
func (l *linting) rules() workspace.Rules {
	return workspace.Rules{Only: l.only, Skip: l.skip, IgnoreWaivers: l.noWaivers}
}

func newLint() *cobra.Command {
	var in input
	var out output
	var l linting
	var x fixing
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Report access that is over-exposed, unguarded or unreachable",
		Long: `Report access that is over-exposed, unguarded or unreachable.

Each finding names its evidence: who can do what, and the rule at file:line that
lets them. mcpolicy rules ID explains a rule. A finding that is accepted needs a
waiver with a reason: mcpolicy waive writes one.

Suites that the config names are run for what they assert, because two rules are
about what no suite asserts; mcpolicy check reports how their cases came out.

--fix corrects in the policies what is beyond doubt: an action, a role or an
argument that is one slip away from the only name that can be meant; a variable,
constant or import that nothing uses; the action of a list in a rule that is for
calls too and whose condition no list can meet. It changes nothing else in the
files, and nothing at all if the policies would no longer load.

A corrected rule grants or denies what it did not before. --fix makes only the
corrections that cannot give anybody more access, such as of the action of a DENY,
which the engine confirms, and names the others; --fix-widening makes these too.
--diff shows both, apart, and changes nothing. Its status is about the difference
alone: 1 if there is one (and --fail-on is not off), 0 if nothing is to correct,
whatever else lint finds.`,
		Example: `  mcpolicy lint
  mcpolicy lint --rule operation-not-enforced --rule list-not-filtered
  mcpolicy lint --fail-on error
  mcpolicy lint --diff
  mcpolicy lint --fix
  mcpolicy lint --fix-widening`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if x.asked() {
				return x.run(cmd, &in, &out, &l)
			}
			return runChecks(cmd, &in, &out, &l, nil)
		},
	}
	in.flags(cmd)
	out.flags(cmd)
	l.flags(cmd)
	x.flags(cmd)
	return cmd
}

// runChecks builds the matrix, judges it and writes the reports. Nil leaves
// lint or the suites out.
func runChecks(cmd *cobra.Command, in *input, out *output, l *linting, t *suiteRun) error {
	ctx := cmd.Context()
	targets, err := out.targets()
	if err != nil {
		return err
	}
	in.writes = targets
	if err := in.checkBase(); err != nil {
		return err
	}
	checks := workspace.Checks{
		CompareEmbedded: in.compareEmbedded, Against: "PDP " + strings.Join(in.pdp, ", "),
		Details: detailed(targets), Lock: l != nil && t != nil,
	}
	if l != nil {
		if err := l.check(); err != nil {
			return err
		}
		rules := l.rules()
		checks.Lint = &rules
	}
	if t != nil {
		in.suites, checks.Tests = t.files, t.filter()
	}
	w, err := in.load(ctx, t != nil)
	if err != nil {
		return err
	}
	defer w.close()
	if t != nil && t.required {
		if suites, err := w.Suites(); err == nil && len(suites) == 0 {
			return errors.New("nothing to test: name suites under tests in the config, or give --tests")
		}
	}
	d, err := in.checked(ctx, w, checks)
	if err != nil {
		return err
	}
	failOn := authz.SeverityOff
	if l != nil {
		failOn = l.threshold(w)
	}
	return w.conclude(cmd, out, targets, d, failOn, in.given())
}

// conclude writes the reports and returns what the command ends with: where some
// cells are no answer, with that, whatever else is found.
func (s *session) conclude(cmd *cobra.Command, out *output, targets []target, d *report.Document, failOn authz.Severity, given []string) error {
	options := report.Options{FailOn: failOn, Path: s.inRepository(given), Config: s.Config.File, Version: version()}
	defer begin(cmd.Context(), "writing the report")()
	if err := out.write(cmd.OutOrStdout(), targets, d, options); err != nil {
		return err
	}
	switch {
	case d.Doubt != nil:
		return d.Doubt
	case d.Fails(failOn):
		return errFindings
	}
	return nil
}
