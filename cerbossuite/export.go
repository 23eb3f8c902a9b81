package cerbossuite

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Input is what is exported.
type Input struct {
	Result *testrunner.Result // of a run over the matrix
	Matrix *matrix.Matrix
	// Options are those of the engine that decided, but for what a suite has of its own.
	Options pdp.Options
}

// A Suite is one that is written.
type Suite struct {
	Name  string
	File  string // a name without a folder
	Cases int    // that it has; one about several principals counts once for each
	// Decisions are what Cerbos counts as tests: one for each request. Failing are those
	// that fail, as the cases that they stand for do.
	Decisions, Failing int
	// IgnoreSchemas says that it comes out as here only with the flag of that name.
	IgnoreSchemas bool

	options testrunner.Options
	engine  pdp.Options
	now     time.Time
	tables  []*table
	of      []*testrunner.Case
}

// A Left is a case that is not written.
type Left struct {
	Case  *testrunner.Case
	Suite string
	Why   string
}

// An Export is what came of suites.
type Export struct {
	Suites []*Suite
	Left   []Left
}

// Cases counts the cases that are written, their decisions, and the cases that are not.
func (e *Export) Cases() (written, decisions, left int) {
	for _, s := range e.Suites {
		written += s.Cases
		decisions += s.Decisions
	}
	for _, l := range e.Left {
		left += len(l.Case.About())
	}
	return written, decisions, left
}

// Write makes suites of Cerbos's of those that ran.
func Write(ctx context.Context, in *Input) (*Export, error) {
	x := &exporter{Input: in, calls: map[callKey]*calls{}, seen: map[string]string{}}
	e := &Export{}
	names := map[string]bool{}
	for _, r := range in.Result.Suites {
		if r.Cerbos {
			continue
		}
		s := &Suite{Name: r.Name, engine: in.Options, options: r.Options()}
		left, err := x.suite(ctx, s, r)
		if err != nil {
			return nil, err
		}
		e.Left = append(e.Left, left...)
		if len(s.tables) == 0 {
			continue
		}
		s.File = fileName(r, names)
		e.Suites = append(e.Suites, s)
	}
	return e, nil
}

// Drop takes out a suite that turns out not to be what Cerbos takes, with all its cases.
func (e *Export) Drop(s *Suite, why string) {
	e.Suites = slices.DeleteFunc(e.Suites, func(x *Suite) bool { return x == s })
	for _, c := range s.of {
		e.Left = append(e.Left, Left{c, s.Name, why})
	}
}

// At pins the clock of a suite that has none of its own.
func (s *Suite) At(now time.Time) { s.now = now }

// Clockless reports whether nothing pins the clock of a suite.
func (s *Suite) Clockless() bool { return s.options.Now.IsZero() && s.now.IsZero() }

// fileName names the file of a suite after the one that it is from.
func fileName(r *testrunner.SuiteResult, taken map[string]bool) string {
	base := path.Base(r.File)
	base = strings.TrimSuffix(strings.TrimSuffix(base, path.Ext(base)), "_test")
	name := strings.Map(func(c rune) rune {
		if c < 128 && (c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return c
		}
		return '-'
	}, base)
	if name = strings.Trim(name, "-"); name == "" {
		name = "suite"
	}
	file := name + "_test.yaml"
	for n := 2; taken[strings.ToLower(file)]; n++ {
		file = fmt.Sprintf("%s-%d_test.yaml", name, n)
	}
	taken[strings.ToLower(file)] = true // file systems may not tell cases apart
	return file
}

// An exporter makes checks of cases.
type exporter struct {
	*Input
	calls map[callKey]*calls
	seen  map[string]string // what policies see of principals that they see others of, by name
}

// A check is one action by one principal on one resource, and what is expected of it.
type check struct {
	principal *authz.Principal
	request   authz.Request
	allow     bool
	fails     bool // the engine decides it otherwise
}

func (x *exporter) suite(ctx context.Context, s *Suite, r *testrunner.SuiteResult) (left []Left, err error) {
	b := newTables()
	for _, c := range r.Cases {
		checks, why, err := x.checks(ctx, c)
		if err != nil {
			return nil, err
		}
		if why == "" {
			why = refused(c, checks)
		}
		if why != "" {
			left = append(left, Left{c, r.Name, why})
			continue
		}
		b.add(c.Test, checks)
		s.of = append(s.of, c)
		s.Cases += len(c.Principals)
	}
	s.tables = b.tables()
	for _, t := range s.tables {
		s.Decisions += len(t.principals) * len(t.resources) * len(t.actions)
		s.Failing += t.failing
	}
	return left, nil
}

// refused says why checks cannot stand for a case, or "": what Cerbos has against them, or
// that they do not fail where the case does.
func refused(of *testrunner.Case, checks []check) string {
	fails := func(c check) bool { return c.fails }
	if slices.ContainsFunc(checks, fails) != (of.Outcome == testrunner.Failed) {
		return "it comes out otherwise when what it stands for is asked alone"
	}
	for _, c := range checks {
		if c.request.Resource.ID == "" {
			return "the enforcement point sends no id of the resource, which a Cerbos suite has to have"
		}
		if c.request.Resource.Kind == "" || c.request.Action == "" {
			return "the enforcement point sends no kind or no action, which a Cerbos suite has to have"
		}
	}
	return ""
}

// checks returns what stands for a case, or why nothing does.
func (x *exporter) checks(ctx context.Context, c *testrunner.Case) ([]check, string, error) {
	switch {
	case c.Outcome == testrunner.Skipped:
		return nil, "it is skipped: " + firstOf(c.Message, "no reason given"), nil
	case c.Outcome == testrunner.Errored:
		return nil, "it could not be decided", nil
	case c.Sentence != "":
		return nil, "it is about everybody who could exist, and a Cerbos suite about principals that it names", nil
	case c.Cell == nil || c.Decider() == nil:
		return nil, "nothing was decided", nil
	case c.Cell.Access == matrix.Unguarded, c.Cell.Access == matrix.Refused:
		return nil, "no policy is asked", nil
	case c.Cell.Grant != nil:
		return nil, "a grant decides, and no policy is asked", nil
	case c.Want == matrix.Unguarded.String():
		return nil, "it expects that no policy is asked", nil
	}
	shown, why, err := x.shown(ctx, c)
	if err != nil || why != "" {
		return nil, why, err
	}
	var list []check
	for _, p := range c.Callers() {
		for _, s := range shown {
			some, err := x.sent(ctx, c, p, s)
			if err != nil {
				return nil, "", err
			}
			list = append(list, some...)
		}
	}
	return list, "", nil
}

// A call is one that shows something about a case: what it is made with, and what a suite
// has to expect of it.
type call struct {
	arguments map[string]any
	allow     bool
}

// sent returns the requests of a call by a principal, as far as they show it: all of one
// that is expected to be allowed, those that are denied of one that is expected to be, or
// the last if none is, so that it fails.
func (x *exporter) sent(ctx context.Context, c *testrunner.Case, p *authz.Principal, of call) ([]check, error) {
	requests := c.Sent(p, of.arguments)
	decisions, err := c.Decider().Decide(ctx, requests)
	if err != nil {
		return nil, fmt.Errorf("decide what %s stands for: %w", c.Pos, err)
	}
	var list []check
	for i := range requests {
		var refusal *authz.Refusal
		others := requests[i].By != nil
		if requests[i], refusal = requests[i].Sent(); refusal != nil || !requests[i].Valid() {
			requests[i].Resource.ID = "" // it is no request, whatever is wrong with it
		} else if others {
			requests[i].Principal = x.named(requests[i].Principal)
		}
	}
	for i, r := range requests {
		if of.allow || decisions[i].Effect == authz.Deny {
			list = append(list, check{r.Principal, r, of.allow, of.allow != (decisions[i].Effect == authz.Allow)})
		}
	}
	if len(list) == 0 {
		last := len(requests) - 1
		list = append(list, check{requests[last].Principal, requests[last], of.allow, true})
	}
	return list, nil
}

// named returns a principal as policies see it under a name of its own, for one can be shown
// in several ways.
func (x *exporter) named(p *authz.Principal) *authz.Principal {
	who := *p
	content := source.JSONText([]any{p.Key, p.ID, p.Roles, p.Attr, p.Scope, p.PolicyVersion})
	name := p.Key + " as " + strings.Join(p.Roles, ", ")
	for n := 1; ; n++ {
		who.Key = name
		if n > 1 {
			who.Key = fmt.Sprintf("%s (%d)", name, n)
		}
		if of, taken := x.seen[who.Key]; !taken || of == content {
			x.seen[who.Key] = content
			return &who
		}
	}
}

// shown returns the calls that show what a case came to: what it expects where it passed,
// and what contradicts that where it failed.
func (x *exporter) shown(ctx context.Context, c *testrunner.Case) (list []call, why string, err error) {
	passed := c.Outcome == testrunner.Passed
	if col, _ := c.Column(); col.Question.Possible && c.Cell.Settlement.Some && c.Cell.Access == matrix.Allowed {
		if c.Cell.Settlement.Shown == nil {
			return nil, unknown, nil
		}
		return []call{{c.Cell.Settlement.Shown, passed}}, "", nil
	}
	if c.Arguments != nil || !c.Open() {
		allowed := c.Cell.Access == matrix.Allowed
		return []call{{c.Arguments, allowed == passed}}, "", nil
	}
	allowed, denied, err := x.callsOf(ctx, c)
	if err != nil {
		return nil, "", err
	}
	if allowed == nil && denied == nil {
		return nil, unknown, nil
	}
	wantsAllowed, wantsDenied := c.Expects()
	possible := wantsAllowed && !wantsDenied && strings.Contains(c.Want, matrix.Conditional.String())
	switch {
	case passed && wantsAllowed && wantsDenied:
		if allowed == nil || denied == nil {
			return nil, unknown, nil
		}
		return []call{{*allowed, true}, {*denied, false}}, "", nil
	case passed && wantsAllowed && allowed != nil:
		return []call{{*allowed, true}}, "", nil
	case passed && !wantsAllowed && denied != nil:
		return []call{{*denied, false}}, "", nil
	case passed:
		return nil, unknown, nil
	case c.Comparison != nil && c.Cell.Access == matrix.Conditional:
		return compared(c.Comparison)
	case wantsAllowed && !possible && denied != nil:
		return []call{{*denied, true}}, "", nil
	case possible && denied != nil && !c.Cell.Access.Possible():
		return []call{{*denied, true}}, "", nil
	case wantsDenied && allowed != nil:
		return []call{{*allowed, false}}, "", nil
	}
	return nil, unknown, nil
}

const unknown = "it depends on the arguments, and none are known that show it"

// compared returns a call that is not decided as the condition says that was expected.
func compared(x *testrunner.Comparison) ([]call, string, error) {
	switch {
	case x.Allowed != nil:
		return []call{{x.Allowed.Arguments, false}}, "", nil
	case x.Denied != nil:
		return []call{{x.Denied.Arguments, true}}, "", nil
	}
	return nil, unknown, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Comment is how each file begins, so that one that somebody has written is told from it.
const Comment = "# Written by mcpolicy export cerbos-tests; a change is lost when it is written again.\n"
