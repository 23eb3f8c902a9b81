package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// linting is what the command line says about lint.
type linting struct {
	only, skip []string
	failOn     string
	noWaivers  bool
	more       []lint.Waiver // besides those of the config
}

func (l *linting) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&l.only, "rule", nil, "only the lint rule `ID`; may be repeated")
	f.StringSliceVar(&l.skip, "skip", nil, "leave the lint rule `ID` out; may be repeated")
	f.StringVar(&l.failOn, "fail-on", "", "exit with 1 from this `SEVERITY` on: note, warning, error or off (default: the config's, or warning)")
	f.BoolVar(&l.noWaivers, "no-waivers", false, "count what waivers accept, and leave expired and stale waivers alone")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"rule": each(completeRules), "skip": each(completeRules),
		"fail-on": cobra.FixedCompletions(lint.Severities, cobra.ShellCompDirectiveNoFileComp),
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

func severityOf(name string) (lint.Severity, bool) {
	for i, s := range lint.Severities {
		if s == name {
			return lint.Severity(i), true //nolint:gosec // a handful
		}
	}
	return lint.Off, false
}

// threshold is the severity from which on findings fail the run.
func (l *linting) threshold(cfg *config.Config) lint.Severity {
	if s, err := parseFailOn(l.failOn); err == nil {
		return s
	}
	if s, ok := severityOf(cfg.Lint.FailOn.String()); ok {
		return s
	}
	return lint.Warning
}

// findings lints a matrix. Suites that were not run are run for what they
// assert, if a rule wants to know that.
func (l *linting) findings(ctx context.Context, w *workspace, m *matrix.Matrix, tests *testrunner.Result) ([]lint.Finding, error) {
	o, err := l.options(w)
	if err := errors.Join(err, o.Check(m)); err != nil {
		return nil, usageError{err}
	}
	if tests == nil && o.Needs("tool-untested", "rule-untested") {
		var t suiteRun
		if err := t.parse(w); err != nil {
			return nil, err
		}
		if tests, err = t.run(ctx, w, m); err != nil {
			return nil, err
		}
	}
	return lint.Run(ctx, w.lintInput(m, tests), o)
}

// lintInput is what the rules look at.
func (w *workspace) lintInput(m *matrix.Matrix, tests *testrunner.Result) *lint.Input {
	e := w.config.Engine
	in := &lint.Input{
		Matrix: m, Policies: w.policies, Validate: w.engine.Validate, Confused: w.engine.Confused,
		RuleReads: w.engine.RuleReads, Idle: w.engine.Idle, DecideAt: w.engine.DecideAt,
		Conditions: w.engine.Conditions, Try: w.engine.Try, Without: w.engine.Without, StrictEvaluation: e.StrictEvaluation,
		SchemasRejected:      w.options.Schemas == pdp.EnforceReject,
		DefaultPolicyVersion: e.DefaultPolicyVersion, DefaultScope: e.DefaultScope,
		Suites: assertions(tests), Declared: map[string]source.Pos{},
	}
	for _, s := range w.config.Servers {
		in.Declared[s.Name] = s.Pos
	}
	return in
}

// assertions are what the cases of suites expect. Without suites they are nil.
func assertions(tests *testrunner.Result) []lint.Assertion {
	if tests == nil {
		return nil
	}
	list := []lint.Assertion{}
	for _, s := range tests.Suites {
		for _, c := range s.Cases {
			if c.Outcome != testrunner.Skipped {
				allowed, denied := c.Expects()
				list = append(list, lint.Assertion{Item: c.Item, Operation: c.Operation, Allowed: allowed, Denied: denied, Cell: c.Cell})
			}
		}
	}
	return list
}

// options are what the command line and the config say about the rules. Rules
// that the config names and that there are not are mistakes.
func (l *linting) options(w *workspace) (lint.Options, error) {
	c := w.config.Lint
	o := lint.Options{
		Only: l.only, Skip: l.skip, Now: w.now, IgnoreWaivers: l.noWaivers,
		Severity: map[string]lint.Severity{}, Confidence: map[string]lint.Confidence{}, Settings: map[string]*source.Node{},
		Administrators: lint.Administrators{Roles: c.Administrators.Roles, Principals: c.Administrators.Principals},
	}
	var errs []error
	for _, r := range c.Rules {
		if _, err := lint.Find(r.ID); err != nil {
			errs = append(errs, source.Errorf(r.Pos, "%w", err))
			continue
		}
		if s, ok := severityOf(r.Severity.String()); ok {
			o.Severity[r.ID] = s
		}
		if i := slices.Index(lint.Confidences, r.Confidence.String()); i >= 0 {
			o.Confidence[r.ID] = lint.Confidence(i) //nolint:gosec // a handful
		}
		o.Settings[r.ID] = r.Options
	}
	for _, d := range c.SeparationOfDuties {
		o.Duties = append(o.Duties, lint.Duty{Name: d.Name, Server: d.Server, Sets: d.Sets, Pos: d.Pos})
	}
	for _, x := range w.config.Waivers {
		o.Waivers = append(o.Waivers, waiver(x))
	}
	o.Waivers = append(o.Waivers, l.more...)
	return o, errors.Join(errs...)
}

func waiver(w config.Waiver) lint.Waiver {
	return lint.Waiver{
		Pos: w.Pos, Rule: w.Rule, Server: w.Server, Item: w.Item, Types: append([]authz.ItemType(nil), w.Types...),
		Principal: w.Principal, File: w.File, Reason: w.Reason, Expires: w.Expires.Time,
	}
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

// notes are what every report says about accepted inventories.
func (w *workspace) notes() []report.Note {
	var list []report.Note
	for _, g := range w.accepted {
		list = append(list, report.Note{
			Rule: "inventory-incomplete", Server: g.server, Pos: g.Pos,
			Message: "the inventory of " + g.server + " may be incomplete, which is accepted: " + g.Message,
		})
	}
	for _, s := range w.servers {
		for _, n := range s.Inventory.Notes {
			list = append(list, report.Note{Server: s.Name, Pos: n.Pos, Message: n.Message})
		}
	}
	return list
}

func (w *workspace) close() {
	if w.remote != nil {
		_ = w.remote.Close() // all has been asked
	}
	if w.folder != nil {
		_ = w.folder.close() // nothing was written through it
	}
}

// runChecks builds the matrix, judges it and writes the reports. Nil leaves
// lint or the suites out.
func runChecks(cmd *cobra.Command, in *input, out *output, l *linting, t *suiteRun) error {
	ctx := cmd.Context()
	targets, err := out.targets()
	if err != nil {
		return err
	}
	if l != nil {
		if err := l.check(); err != nil {
			return err
		}
	}
	var more []func(*workspace) error
	if t != nil {
		more = append(more, t.parse)
	}
	in.writes = targets
	if t != nil {
		in.suites = t.files
	}
	w, err := in.load(ctx, more...)
	if err != nil {
		return err
	}
	defer w.close()
	start := time.Now()
	bar := newProgress(cmd.ErrOrStderr(), "deciding")
	m, err := w.outline(w.decider, bar.report)
	if err == nil && l != nil { // suites have decided what they ask about
		decided := begin(ctx, "deciding")
		err = m.Decide(ctx, m.Columns)
		decided()
	}
	d := &report.Document{Notes: w.notes(), Linted: l != nil}
	if err == nil && in.compareEmbedded {
		d.Drift, err = w.compare(ctx, in, m, bar)
	}
	bar.done()
	if err != nil {
		return err
	}
	if l != nil && t != nil {
		d.Matrix = m // check reports everything
	}
	failOn := lint.Off
	given := in.given()
	if t != nil {
		given = append(given, t.files...)
		ran := begin(ctx, "running the suites")
		d.Tests, err = t.run(ctx, w, m)
		ran()
		if err != nil {
			return err
		}
	}
	if l != nil {
		failOn = l.threshold(w.config)
		linted := begin(ctx, "linting")
		d.Findings, err = l.findings(ctx, w, m, d.Tests)
		linted()
		if err != nil {
			return err
		}
	}
	noAnswer := w.doubt(d, m)
	d.Elapsed, d.Scope = time.Since(start), report.ScopeOf(m)
	return overridden(noAnswer, w.conclude(cmd, out, targets, d, failOn, given))
}

// conclude writes the reports and returns what the command ends with.
func (w *workspace) conclude(cmd *cobra.Command, out *output, targets []target, d *report.Document, failOn lint.Severity, given []string) error {
	options := report.Options{FailOn: failOn, Path: w.inRepository(given), Config: w.config.File, Version: version()}
	defer begin(cmd.Context(), "writing the report")()
	if err := out.write(cmd.OutOrStdout(), targets, d, options); err != nil {
		return err
	}
	if d.Fails(failOn) {
		return errFindings
	}
	return nil
}
