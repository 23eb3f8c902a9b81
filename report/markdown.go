package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// writeMarkdown writes a comment or job summary: a marker, the verdict, what fails, the
// errors, the matrix, and the rest folded. Where it is about a change, what that does to
// access comes first and the matrix last. What is too much for the limit is left out, the
// details first.
func writeMarkdown(w io.Writer, d *Document, o Options) error {
	m := &markdown{d: d, o: o, texts: newTexts(d.Source)}
	m.verdict()
	m.summary()
	m.notes()
	m.diff()
	m.lock()
	m.cases()
	m.coverage()
	m.drift()
	m.probe()
	pressing, rest := m.pressing()
	if o.Summary {
		m.digest()
	} else {
		m.findings(findingSection, "### "+headOf(pressing, d.Diff != nil)+"\n\n", pressing, "\n")
	}
	if d.Diff == nil {
		m.access()
	}
	m.narrowed()
	if !o.Summary {
		m.folded(rest)
	}
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
	texts   *texts
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
	if m.d.Coverage != nil {
		rows = append(rows, "| coverage | "+mdText(coverageWords(m.d.Coverage))+" |\n")
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
		m.add(caseRank, "note", "> **Note:** "+mdText(n.Message)+m.at(n.Pos)+"\n\n", "")
	}
}

// at returns a place after text, or nothing if there is none.
func (m *markdown) at(pos source.Pos) string {
	if pos.IsZero() {
		return ""
	}
	return " at " + m.place(pos)
}

// pressing returns the findings that are shown open and those that are folded: open are
// errors, new ones that fail the run, and all that fail it where nothing else does.
func (m *markdown) pressing() (pressing, rest []*lint.Finding) {
	open, _, _ := m.d.bySeverity()
	open = slices.DeleteFunc(open, func(f *lint.Finding) bool { return f.Severity < m.o.Least || m.d.isNoted(f) })
	failing := m.d.Diff != nil
	if !failing && m.d.Fails(m.o.FailOn) {
		errors := slices.ContainsFunc(open, func(f *lint.Finding) bool { return f.Severity == authz.SeverityError })
		cases := false
		if m.d.Tests != nil {
			n := m.d.Tests.Counts()
			cases = n.Failed+n.Errored > 0
		}
		failing = !errors && !cases
	}
	for _, f := range open {
		if f.Severity == authz.SeverityError || failing && fails(f, m.o.FailOn) {
			pressing = append(pressing, f)
		} else {
			rest = append(rest, f)
		}
	}
	return pressing, rest
}

// headOf is what stands over findings that are shown open.
func headOf(list []*lint.Finding, since bool) string {
	switch {
	case since:
		return "New findings"
	case slices.ContainsFunc(list, func(f *lint.Finding) bool { return f.Severity != authz.SeverityError }):
		return "Findings"
	}
	return "Errors"
}

// findings writes a section of findings, if there are any.
func (m *markdown) findings(section int, head string, list []*lint.Finding, foot string) {
	if len(list) == 0 {
		return
	}
	m.begin(section, head)
	for _, f := range list {
		r := [...]rank{authz.SeverityOff: noteRank, authz.SeverityNote: noteRank, authz.SeverityWarning: warningRank, authz.SeverityError: errorRank}[f.Severity]
		if f.Waived || f.Known {
			r = noteRank
		}
		m.finding(f, r)
	}
	m.end(foot)
}

// folded writes the findings that are not pressing, and what is known or waived.
func (m *markdown) folded(rest []*lint.Finding) {
	_, known, waived := m.d.bySeverity()
	var n [4]int
	for _, f := range rest {
		n[f.Severity]++
	}
	if !m.o.All {
		waived = nil
	}
	for _, fold := range []struct {
		section int
		list    []*lint.Finding
		head    string
	}{
		{restSection, rest, severityWords(n)},
		{knownSection, known, fmt.Sprintf("%d %s", len(known), m.d.knownWords())},
		{waivedSection, waived, fmt.Sprintf("%d waived", len(waived))},
	} {
		m.findings(fold.section, "<details><summary>"+fold.head+"</summary>\n\n", fold.list, "\n</details>\n\n")
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

// finding adds a finding: what is wrong, where, what has to change, why, and the way out.
// The first two alone where there is no room for more.
func (m *markdown) finding(f *lint.Finding, r rank) {
	head := fmt.Sprintf("**%s** %s (%s)", f.Severity, mdText(f.Message), m.rule(f.Rule))
	first := []string{head}
	standing, evidence := standing(f)
	switch {
	case f.Pos.IsZero():
	case standing == "":
		first = append(first, m.place(f.Pos))
	default:
		first = append(first, m.place(f.Pos)+" "+mdText(standing))
	}
	var lines []string
	for _, s := range touched(f, m.o.All) {
		lines = append(lines, mdText(s))
	}
	for _, s := range evidence {
		lines = append(lines, m.line(s))
	}
	for _, rel := range otherPlaces(f) {
		lines = append(lines, m.place(rel.Pos)+" "+mdText(rel.Text))
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
	whole := item(slices.Concat(first, lines))
	if code := m.excerpt(f); code != "" {
		whole = item(first) + code + more(lines)
	}
	m.add(r, noun, whole, item(first))
}

// excerptWidth is how much of a line a comment shows.
const excerptWidth = 100

// excerpt returns the line that a finding is about, as code in an item of a list.
func (m *markdown) excerpt(f *lint.Finding) string {
	x := m.texts.excerpt(f)
	if x == nil {
		return ""
	}
	line, marks := x.draw(func(s string) string { return inert(visible(s)) }, excerptWidth, unicodeSymbols.dots)
	number := fmt.Sprintf("%4d", x.line)
	code := fenced(number + " | " + line + "\n" + strings.Repeat(" ", len(number)) + " | " + marks)
	return "\n  " + strings.ReplaceAll(strings.TrimSuffix(code, "\n"), "\n", "\n  ") + "\n\n"
}

// cases writes the cases that did not pass: those that failed or errored open, and
// skipped ones, where all is shown, folded.
func (m *markdown) cases() {
	if m.d.Tests == nil {
		return
	}
	n := m.d.Tests.Counts()
	if n.Failed+n.Errored > 0 || m.d.Tests.Invalid() != nil {
		m.begin(caseSection, "### Failed tests\n\n")
		m.casesThat(testrunner.Failed, testrunner.Errored)
		m.end("\n")
	}
	if n.Skipped > 0 && m.o.All {
		m.begin(skippedSection, fmt.Sprintf("<details><summary>%d skipped</summary>\n\n", n.Skipped))
		m.casesThat(testrunner.Skipped)
		m.end("\n</details>\n\n")
	}
}

func (m *markdown) casesThat(ended ...testrunner.Outcome) {
	for _, s := range m.d.Tests.Suites {
		if m.o.Summary && !slices.Contains(ended, testrunner.Skipped) {
			for _, f := range failuresOf(s) {
				m.failure(f)
			}
			continue
		}
		for _, c := range casesOf(s) {
			if slices.Contains(ended, c.Outcome) {
				m.testcase(c)
			}
		}
	}
}

func (m *markdown) failure(f failure) {
	lines := []string{fmt.Sprintf("**%s** %s", f.first.Outcome, mdText(f.words()))}
	if !f.first.Pos.IsZero() {
		lines = append(lines, m.place(f.first.Pos)+" "+mdText(sentence(m.d, f.first)))
	} else {
		lines = append(lines, mdText(sentence(m.d, f.first)))
	}
	text := item(lines)
	m.add(caseRank, "case", text, text)
}

func (m *markdown) testcase(c *testrunner.Case) {
	head := fmt.Sprintf("**%s** %s", c.Outcome, mdText(sentence(m.d, c)))
	if c.Test != "" {
		head += " (" + mdText(c.Test) + ")"
	}
	lines := []string{head}
	if !c.Pos.IsZero() {
		lines = append(lines, m.place(c.Pos))
	}
	brief := item(lines)
	for _, r := range outcome(c) {
		text := mdText(r.text)
		if pos, ok := parsePlace(r.pos); ok {
			text = m.place(pos) + " " + text
		} else if r.pos != "" {
			text = mdCode(r.pos) + " " + text
		}
		lines = append(lines, text)
	}
	m.add(caseRank, "case", item(lines), brief)
}

// item makes lines an item of a list.
func item(lines []string) string { return "- " + strings.Join(lines, "<br>\n  ") + "\n" }

// more makes lines go on with an item of a list.
func more(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return "  " + strings.Join(lines, "<br>\n  ") + "\n"
}
