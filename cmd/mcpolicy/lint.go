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
	severity   string // less severe findings are left out
	confidence string // less sure findings are left out
	baseline   string
	known      *lint.Baseline // that the command line names, once it is read
	noBaseline bool
}

func (l *linting) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&l.only, "rule", nil, "only the lint rule `ID`; may be repeated")
	f.StringSliceVar(&l.skip, "skip", nil, "leave the lint rule `ID` out; may be repeated")
	f.StringVar(&l.failOn, "fail-on", "", "exit with 1 from this `SEVERITY` on: note, warning, error or off (default: the config's, or warning)")
	f.BoolVar(&l.noWaivers, "no-waivers", false, "count what waivers accept, and leave expired and stale waivers alone")
	f.StringVar(&l.severity, "min-severity", "", "leave out findings below this `SEVERITY`: note, warning or error; they do not fail, and reports say how many they are")
	f.StringVar(&l.confidence, "min-confidence", "", "leave out findings below this `CONFIDENCE`: low, medium or high; they do not fail, and reports say how many they are")
	baselineFlag(cmd, &l.baseline)
	f.BoolVar(&l.noBaseline, "no-baseline", false, "count what the baseline knows")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"rule": each(completeRules), "skip": each(completeRules),
		"min-severity":   cobra.FixedCompletions(authz.Severities()[authz.SeverityNote:], cobra.ShellCompDirectiveNoFileComp),
		"min-confidence": cobra.FixedCompletions(authz.Confidences(), cobra.ShellCompDirectiveNoFileComp),
		"fail-on":        cobra.FixedCompletions(authz.Severities(), cobra.ShellCompDirectiveNoFileComp),
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
	if _, err := parseMinSeverity(l.severity); err != nil {
		errs = append(errs, usageError{err})
	}
	if _, err := parseMinConfidence(l.confidence); err != nil {
		errs = append(errs, usageError{err})
	}
	if l.baseline != "" && l.noBaseline {
		errs = append(errs, usageError{errors.New("say --baseline or --no-baseline, not both")})
	} else if l.baseline != "" {
		var err error
		l.known, err = readBaseline(l.baseline)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// leaveOut leaves out of a report what is below the least that is wanted.
func (l *linting) leaveOut(d *report.Document) {
	if l.severity == "" && l.confidence == "" {
		return
	}
	severity, _ := parseMinSeverity(l.severity) // they were checked
	confidence, _ := parseMinConfidence(l.confidence)
	d.LeaveOut(severity, confidence)
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
	return workspace.Rules{Only: l.only, Skip: l.skip, IgnoreWaivers: l.noWaivers, Baseline: l.known, IgnoreBaseline: l.noBaseline}
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

On a first day, --summary shows how much there is and where to begin, and
mcpolicy baseline writes down what is known, so that only what is new fails.
--min-severity and --min-confidence leave out what is below.

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
whatever else lint finds.` + watchHelp,
		Example: `  mcpolicy lint
  mcpolicy lint --rule operation-not-enforced --rule list-not-filtered
  mcpolicy lint --fail-on error
  mcpolicy lint --summary                      how much, and where to begin
  mcpolicy lint --min-severity warning --min-confidence medium
  mcpolicy lint --watch
  mcpolicy lint --diff
  mcpolicy lint --fix
  mcpolicy lint --fix-widening`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if x.asked() && watching(cmd) {
				return usageError{errors.New("--watch is for looking: leave it out to correct policies, or leave --fix, --fix-widening and --diff out")}
			}
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
	watchFlag(cmd)
	summaryFlag(cmd, &out)
	return cmd
}

// summaryFlag adds the flag for findings in numbers.
func summaryFlag(cmd *cobra.Command, out *output) {
	cmd.Flags().BoolVar(&out.summary, "summary", false, "text, Markdown: show findings in numbers and where to begin, how many cases of each test fail, and the matrix in numbers; JSON: add these numbers")
}

// failuresFlag adds the flag for cases in numbers.
func failuresFlag(cmd *cobra.Command, out *output) {
	cmd.Flags().BoolVar(&out.summary, "summary", false, "text, Markdown: show how many cases of each test fail, and the first, instead of all")
}

// runChecks builds the matrix, judges it and writes the reports. Nil leaves
// lint or the suites out.
func runChecks(cmd *cobra.Command, in *input, out *output, l *linting, t *suiteRun) error {
	ctx := cmd.Context()
	coverage, err := t.covers(in)
	if err != nil {
		return err
	}
	out.covered = coverage != nil
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
		Details: detailed(targets), Lock: l != nil && t != nil, Coverage: coverage,
	}
	if l != nil {
		if err := l.check(); err != nil {
			return err
		}
		rules := l.rules()
		checks.Lint, in.baseline = &rules, l.baseline
	}
	if t != nil {
		in.suites, in.noCerbosTests = t.files, t.noCerbos
		if checks.Tests, err = t.filter(); err != nil {
			return err
		}
	}
	if watching(cmd) {
		return again(cmd, in, out)
	}
	if coverage != nil && coverage.Since != "" {
		before, end, err := in.before(ctx, coverage.Since)
		if err != nil {
			return err
		}
		defer end()
		coverage.Before = before
	}
	w, err := in.load(ctx, t != nil)
	if err != nil {
		return err
	}
	defer w.close()
	if t != nil && t.required {
		if err := t.need(w); err != nil {
			return err
		}
	}
	d, err := in.checked(ctx, w, checks)
	if err != nil {
		return err
	}
	out.was = in.was
	failOn := authz.SeverityOff
	if l != nil {
		failOn = l.threshold(w)
		l.leaveOut(d)
	}
	return w.conclude(cmd, out, targets, d, failOn, in.given())
}

// need returns an error if there is nothing to run. Suites that cannot be read are
// reported where they are run.
func (t *suiteRun) need(w *session) error {
	suites, err := w.Suites()
	if err != nil || len(suites) > 0 {
		return nil
	}
	if files, err := w.CerbosSuites(); !t.claims && (err != nil || len(files) > 0) {
		return nil
	}
	return errors.New("nothing to test: name suites under tests in the config, or give --tests")
}

// conclude writes the reports and returns what the command ends with: where some
// cells are no answer, with that, whatever else is found.
func (s *session) conclude(cmd *cobra.Command, out *output, targets []target, d *report.Document, failOn authz.Severity, given []string) error {
	options := report.Options{FailOn: failOn, Path: s.inRepository(given), Config: s.Config.File, Version: version()}
	out.here, d.Source = s.here(given), s.source(given)
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
