package workspace

import (
	"context"
	"errors"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Rules say which lint rules are wanted, besides what the config says.
type Rules struct {
	Only, Skip    []string // IDs; no Only are all
	IgnoreWaivers bool
	Waivers       []lint.Waiver // besides those of the config
	Known         *lint.Known   // what was found before, which does not count; nil for nothing

	// Baseline stands in place of the one that the config names or has beside it, of which
	// IgnoreBaseline takes no notice. What it knows does not count either.
	Baseline       *lint.Baseline
	IgnoreBaseline bool
}

// withoutBaseline returns the rules, nil for nil, with all that they find.
func (r *Rules) withoutBaseline() *Rules {
	if r == nil {
		return nil
	}
	all := *r
	all.Baseline, all.IgnoreBaseline = nil, true
	return &all
}

// Lint judges a matrix of which everything is decided. The suites are run for what
// they assert if a rule wants to know that and tests is nil.
func (w *Workspace) Lint(ctx context.Context, m *matrix.Matrix, tests *testrunner.Result, rules Rules) ([]lint.Finding, error) {
	_, end := w.o.Progress.begin("linting")
	defer end()
	o, err := w.LintOptions(rules)
	if err := errors.Join(err, o.Check(m)); err != nil {
		return nil, wrong(err)
	}
	if tests == nil && o.Needs("tool-untested", "rule-untested") {
		if tests, err = w.test(ctx, m, testrunner.Filter{}, false); err != nil {
			return nil, err
		}
	}
	return lint.Run(ctx, w.LintInput(m, tests), o)
}

// lacking are notes about the rules that do not look into all that they are about,
// because the engine does not offer what that takes.
func (w *Workspace) lacking(e pdp.Decider, rules Rules) ([]report.Note, error) {
	o, err := w.LintOptions(rules)
	if err != nil {
		return nil, wrong(err)
	}
	var list []report.Note
	for _, l := range o.Lacking(e) {
		list = append(list, report.Note{Rule: l.Rule, Message: l.Rule + " " + l.Message})
	}
	return list, nil
}

// FailOn is the severity from which on findings fail a run, as the config says.
func (w *Workspace) FailOn() authz.Severity { return w.Config.Lint.FailOn }

// LintInput is what the rules look at.
func (w *Workspace) LintInput(m *matrix.Matrix, tests *testrunner.Result) *lint.Input {
	e := w.Config.Engine
	in := &lint.Input{
		Matrix: m, Policies: w.Policies, Engine: w.Engine, StrictEvaluation: e.StrictEvaluation,
		SchemasRejected:      w.engine.Schemas == pdp.EnforceReject,
		DefaultPolicyVersion: e.DefaultPolicyVersion, DefaultScope: e.DefaultScope,
		Suites: assertions(tests), Declared: map[string]source.Pos{},
	}
	for _, s := range w.Config.Servers {
		if !s.Pos.IsZero() {
			in.Declared[s.Name] = s.Pos
		}
	}
	return in
}

// assertions are what the cases of suites expect, but those of Cerbos's own, which are
// about no item. Without suites they are nil.
func assertions(tests *testrunner.Result) []lint.Assertion {
	if tests == nil || !slices.ContainsFunc(tests.Suites, func(s *testrunner.SuiteResult) bool { return !s.Cerbos }) {
		return nil
	}
	list := []lint.Assertion{}
	for _, s := range tests.Suites {
		for _, c := range s.Cases {
			if c.Outcome != testrunner.Skipped && c.Sentence == "" && c.Check == nil { // a sentence is no request
				allowed, denied := c.Expects()
				list = append(list, lint.Assertion{Item: c.Item, Operation: c.Operation, Allowed: allowed, Denied: denied, Cell: c.Cell})
			}
		}
	}
	return list
}

// LintOptions are what the caller and the config say about the rules. Rules that
// the config names and that there are not are mistakes.
func (w *Workspace) LintOptions(rules Rules) (lint.Options, error) {
	c := w.Config.Lint
	o := lint.Options{
		Only: rules.Only, Skip: rules.Skip, Now: w.Now, IgnoreWaivers: rules.IgnoreWaivers, Known: rules.Known,
		Severity: map[string]authz.Severity{}, Confidence: map[string]authz.Confidence{}, Settings: map[string]*source.Node{},
		Administrators: lint.Administrators{Roles: c.Administrators.Roles, Principals: c.Administrators.Principals},
	}
	var errs []error
	for _, r := range c.Rules {
		if _, err := lint.Find(r.ID); err != nil {
			errs = append(errs, source.Errorf(r.Pos, "%w", err))
			continue
		}
		if r.Severity != nil {
			o.Severity[r.ID] = *r.Severity
		}
		if r.Confidence != nil {
			o.Confidence[r.ID] = *r.Confidence
		}
		o.Settings[r.ID] = r.Options
	}
	for _, d := range c.SeparationOfDuties {
		o.Duties = append(o.Duties, lint.Duty{Name: d.Name, Server: d.Server, Sets: d.Sets, Pos: d.Pos})
	}
	o.Flows = w.flows()
	for i := range w.Config.Waivers {
		o.Waivers = append(o.Waivers, LintWaiver(&w.Config.Waivers[i]))
	}
	o.Waivers = append(o.Waivers, rules.Waivers...)
	return o, errors.Join(errs...)
}

// flows are what the config says of tools that bring data in or take it out.
func (w *Workspace) flows() lint.Flows {
	of := lint.Flows{}
	for _, s := range w.Config.Servers {
		of.Servers = append(of.Servers, s.Name)
	}
	if f := w.Config.Lint.Flows; f != nil {
		of.Untrusted, of.Private, of.Outbound = labels(f.Untrusted), labels(f.Private), labels(f.Outbound)
	}
	return of
}

func labels(tools config.FlowTools) []lint.Label {
	if tools == nil {
		return nil
	}
	list := []lint.Label{}
	for _, t := range tools {
		list = append(list, lint.Label{Pos: t.Pos, Tools: t.Name})
	}
	return list
}

// LintWaiver is what a waiver of a config is to lint.
func LintWaiver(w *config.Waiver) lint.Waiver {
	return lint.Waiver{
		Pos: w.Pos, Rule: w.Rule, Server: w.Server, Item: w.Item, Types: append([]authz.ItemType(nil), w.Types...),
		Principal: w.Principal, File: w.File, Reason: w.Reason, Expires: w.Expires.Time,
	}
}
