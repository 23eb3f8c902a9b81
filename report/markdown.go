package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// writeMarkdown writes a comment or job summary: a marker, the verdict, what it is made
// of, the matrix, the findings, the cases that did not pass. Where it is about a change,
// what that does to access comes first and the matrix last. What is too much for the
// limit is left out in whole parts, the least important first.
func writeMarkdown(w io.Writer, d *Document, o Options) error {
	m := &markdown{d: d, o: o}
	m.verdict()
	m.summary()
	m.notes()
	m.diff()
	m.lock()
	if d.Diff == nil {
		m.access()
	}
	m.drift()
	m.probe()
	m.findings()
	m.cases()
	if d.Diff != nil {
		m.access()
	}
	limit := o.MaxBytes
	if limit == 0 {
		limit = CommentLimit
	}
	_, err := io.WriteString(w, m.fit(limit))
	return err
}

// A markdown is a report in parts.
type markdown struct {
	d       *Document
	o       Options
	parts   []part
	section int // of the parts to come
}

// access writes the matrix, or its numbers.
func (m *markdown) access() {
	switch {
	case m.d.Matrix == nil:
	case m.o.Summary:
		m.overviews()
	default:
		m.matrix()
	}
}

func (m *markdown) summary() {
	var rows []string
	if s := m.d.scopeWords(); s != "" {
		rows = append(rows, "| checked | "+mdText(s)+" |\n")
	}
	if m.d.Diff != nil {
		rows = append(rows, "| access | "+mdText(m.d.Diff.words())+" |\n")
	}
	if m.d.Linted {
		rows = append(rows, "| findings | "+m.d.findingWords()+" |\n")
	}
	if m.d.Lock != nil {
		rows = append(rows, "| lock | "+mdText(m.d.Lock.words())+" |\n")
	}
	if m.d.Drift != nil {
		rows = append(rows, "| production | "+mdText(m.d.Drift.words())+" |\n")
	}
	if m.d.Tests != nil {
		rows = append(rows, "| tests | "+m.d.caseWords()+" |\n")
	}
	if m.d.Probe != nil {
		rows = append(rows, "| probe | "+m.d.probeWords()+" |\n")
	}
	if len(rows) > 0 {
		m.frame("| | |\n|---|---|\n" + strings.Join(rows, "") + "\n")
	}
}

func (m *markdown) notes() {
	for _, n := range m.d.notes() {
		m.add(errorRank, "note", "> **Note:** "+mdText(n.Message)+at(n.Pos.String())+"\n\n")
	}
}

// at returns a place after text, or nothing if there is none.
func at(pos string) string {
	if pos == "" {
		return ""
	}
	return " at " + mdCode(pos)
}

func (m *markdown) findings() {
	open, known, waived := m.d.bySeverity()
	open = slices.DeleteFunc(open, func(f *lint.Finding) bool { return f.Severity < m.o.Least || m.d.isNoted(f) })
	if len(open) > 0 {
		m.begin(findingSection, map[bool]string{false: "### Findings\n\n", true: "### New findings\n\n"}[m.d.Diff != nil])
		for _, f := range open {
			m.finding(f, [...]rank{authz.SeverityOff: noteRank, authz.SeverityNote: noteRank, authz.SeverityWarning: warningRank, authz.SeverityError: errorRank}[f.Severity])
		}
		m.end("\n")
	}
	for _, fold := range []struct {
		list []*lint.Finding
		word string
		all  bool
	}{{known, "known at the base", false}, {waived, "waived", true}} {
		if len(fold.list) == 0 || fold.all && !m.o.All {
			continue
		}
		m.begin(waivedSection, fmt.Sprintf("<details><summary>%d %s</summary>\n\n", len(fold.list), fold.word))
		for _, f := range fold.list {
			m.finding(f, noteRank)
		}
		m.end("\n</details>\n\n")
	}
}

func (m *markdown) probe() {
	list := shortly(m.d.probeFindings())
	if len(list) == 0 {
		return
	}
	m.begin(probeSection, "### Probe\n\n")
	for _, f := range list {
		m.finding(f, map[authz.Severity]rank{authz.SeverityWarning: warningRank, authz.SeverityError: errorRank}[f.Severity])
	}
	m.end("\n")
}

func (m *markdown) drift() {
	list := m.d.driftFindings()
	if len(list) == 0 {
		return
	}
	m.begin(driftSection, "### Differences from production\n\n")
	for _, f := range list {
		m.finding(f, map[authz.Severity]rank{authz.SeverityNote: noteRank, authz.SeverityError: errorRank}[f.Severity])
	}
	m.end("\n")
}

func (m *markdown) finding(f *lint.Finding, r rank) {
	lines := []string{fmt.Sprintf("**%s** %s (%s)", f.Severity, mdText(f.Message), mdCode(f.Rule))}
	if pos := f.Pos.String(); pos != "" && !startsWith(f.Evidence, pos) {
		lines = append(lines, mdCode(pos))
	}
	for _, s := range f.Evidence {
		lines = append(lines, mdText(s))
	}
	for _, rel := range f.Related {
		lines = append(lines, mdCode(rel.Pos.String())+" "+mdText(rel.Text))
	}
	if f.Waived {
		lines = append(lines, "waived: "+mdText(firstOf(f.Reason, "no reason given")))
	}
	if f.Fix != "" {
		lines = append(lines, mdText(f.Fix))
	}
	noun := f.Severity.String()
	if f.Waived {
		noun = "waived finding"
	}
	m.add(r, noun, item(lines))
}

func (m *markdown) cases() {
	if m.d.Tests == nil {
		return
	}
	n := m.d.Tests.Counts()
	not := n.Failed + n.Errored
	if m.o.All {
		not += n.Skipped
	}
	if not == 0 {
		return
	}
	m.begin(caseSection, "### Tests\n\n<details><summary>"+m.d.caseWords()+"</summary>\n\n")
	for _, s := range m.d.Tests.Suites {
		for _, c := range s.Cases {
			if c.Outcome != testrunner.Passed && (c.Outcome != testrunner.Skipped || m.o.All) {
				m.testcase(c)
			}
		}
	}
	m.end("\n</details>\n\n")
}

func (m *markdown) testcase(c *testrunner.Case) {
	lines := []string{fmt.Sprintf("**%s** %s", c.Outcome, mdText(sentence(m.d, c)))}
	if c.Test != "" {
		lines[0] += " (" + mdText(c.Test) + ")"
	}
	if pos := c.Pos.String(); pos != "" {
		lines = append(lines, mdCode(pos))
	}
	for _, r := range outcome(c) {
		text := mdText(r.text)
		if r.pos != "" {
			text = mdCode(r.pos) + " " + text
		}
		lines = append(lines, text)
	}
	m.add(caseRank, "case", item(lines))
}

// item makes lines an item of a list.
func item(lines []string) string { return "- " + strings.Join(lines, "<br>\n  ") + "\n" }
