package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/report/page"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A cause is findings that stand at one place of a policy, or at one place elsewhere
// and are of one rule: mending that place is likely to settle them together.
type cause struct {
	findings []*lint.Finding // the first stands for all
	id       string
}

// causes puts findings together, the most urgent first: by severity, what is open
// before what is shut, and what concerns more people first.
func (d *Document) causes(o *Options) []*cause {
	prints := map[*lint.Finding]string{}
	var list []*cause
	byKey := map[string]*cause{}
	open, known, waived := d.bySeverity()
	own := slices.Concat(d.driftFindings(), d.probeFindings())
	for _, f := range slices.Concat(own, open, known, waived) {
		prints[f] = d.settle([]*problem{findingProblem(f)}, o)[0].fingerprint
		key := identity(f.Pos.String(), f.Rule, jsonText(f.Waived || f.Known))
		if f.Policy != "" {
			key = identity(f.Pos.String(), jsonText(f.Waived || f.Known))
		}
		c := byKey[key]
		if c == nil || f.Pos.IsZero() {
			c = &cause{}
			byKey[key] = c
			list = append(list, c)
		}
		c.findings = append(c.findings, f)
	}
	for _, c := range list {
		slices.SortStableFunc(c.findings, moreUrgent)
		c.id = prints[c.findings[0]]
	}
	slices.SortStableFunc(list, func(a, b *cause) int { return moreUrgent(a.findings[0], b.findings[0]) })
	return list
}

func moreUrgent(a, b *lint.Finding) int {
	byte01 := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return cmp.Or(byte01(a.Waived || a.Known)-byte01(b.Waived || b.Known), lint.FixFirst(a, b))
}

// causes writes the findings by cause.
func (b *pageBuilder) causes() {
	b.data.Causes = []page.Cause{}
	seen := map[string]bool{}
	for _, c := range b.d.causes(b.o) {
		f := c.findings[0]
		for seen[c.id] {
			c.id = identity(c.id, "2")
		}
		seen[c.id] = true
		j := page.Cause{
			ID: c.id[:12], Heading: string(f.Heading()), Severity: f.Severity.String(), Confidence: f.Confidence.String(), Title: b.text(f.Message),
			File: f.Pos.File, Line: f.Pos.Line, Waived: f.Waived, Known: f.Known,
		}
		j.First, j.Source = b.excerpt(f)
		for _, f := range c.findings {
			j.Findings = append(j.Findings, b.finding(f))
		}
		b.data.Causes = append(b.data.Causes, j)
	}
}

// excerpt returns the lines of a policy that a finding is about.
func (b *pageBuilder) excerpt(f *lint.Finding) (first int, lines []string) {
	if f.Pos.Line == 0 {
		return 0, nil
	}
	last := f.Pos.Line + 5
	if b.d.Matrix != nil {
		if set := b.d.Matrix.Policies(); set != nil {
			for r := range set.Rules() {
				if r.Pos.File == f.Pos.File && r.Pos.Line == f.Pos.Line {
					last = min(r.End.Line, f.Pos.Line+14)
				}
			}
		}
	}
	return f.Pos.Line, b.lines(f.Pos.File, f.Pos.Line, last)
}

func (b *pageBuilder) finding(f *lint.Finding) page.Finding {
	j := page.Finding{
		Rule: f.Rule, Severity: f.Severity.String(), Message: b.text(f.Message), Fix: b.text(f.Fix), Standards: f.Standards,
		Items: b.itemsOf(f), Waiver: f.Reason, WaivedAt: b.at(f.WaivedAt),
	}
	for _, e := range f.Evidence {
		j.Evidence = append(j.Evidence, b.text(e))
	}
	for _, r := range f.Related {
		j.Related = append(j.Related, page.Line{At: b.at(r.Pos), Text: b.text(r.Text)})
	}
	who := f.Principals
	if len(who) == 0 && f.Principal != "" {
		who = []string{f.Principal}
	}
	if !b.o.Nameless {
		j.Who = who
	}
	return j
}

// cases writes the tests, each with those of its cases that did not pass.
func (b *pageBuilder) cases() {
	b.data.Tests, b.data.Proofs = []page.Test{}, []page.Proof{}
	if b.d.Tests == nil {
		return
	}
	for _, s := range b.d.Tests.Suites {
		at := map[string]int{}
		for _, c := range casesOf(s) {
			i, ok := at[c.Test]
			if !ok {
				i = len(b.data.Tests)
				at[c.Test] = i
				b.data.Tests = append(b.data.Tests, page.Test{Suite: firstOf(s.Name, s.File), Name: c.Test, At: b.at(c.Pos)})
			}
			b.testcase(&b.data.Tests[i], c)
		}
	}
}

func (b *pageBuilder) testcase(t *page.Test, c *testrunner.Case) {
	var lines []page.Line
	for _, r := range outcome(c) {
		lines = append(lines, page.Line{At: r.pos, Text: b.text(r.text)})
	}
	told := page.Case{Sentence: b.text(sentence(b.d, c)), At: b.at(c.Pos), Errored: c.Outcome == testrunner.Errored, Lines: lines}
	if c.Proof != nil {
		b.proof(c, told)
	}
	switch c.Outcome {
	case testrunner.Passed:
		t.Passed += len(c.About())
	case testrunner.Skipped:
		t.Skipped += len(c.About())
	case testrunner.Failed, testrunner.Errored:
		t.Failed = append(t.Failed, told)
	}
}

// proof adds what is known of a sentence to that of its test.
func (b *pageBuilder) proof(c *testrunner.Case, told page.Case) {
	list := b.data.Proofs
	at := b.at(c.Pos)
	if n := len(list); n == 0 || list[n-1].Test != c.Test || list[n-1].At != at {
		b.data.Proofs = append(list, page.Proof{Test: c.Test, At: at, Outcome: "proved", Sentence: told.Sentence, Over: over(&c.Proof.Over)})
	}
	p := &b.data.Proofs[len(b.data.Proofs)-1]
	switch v := c.Proof.Verdict.String(); {
	case v == "proved":
		p.Proved++
		return
	case p.Outcome != "refuted":
		p.Outcome = v
	}
	told.Lines = slices.DeleteFunc(slices.Clone(told.Lines), func(l page.Line) bool { return strings.HasPrefix(l.Text, "over ") })
	p.Open = append(p.Open, told)
}
