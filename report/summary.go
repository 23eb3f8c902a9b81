package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// writeSummary writes the last two lines: what was looked at, and what came of
// it.
func (p *printer) writeSummary(d *Document, o Options) {
	if s := d.scopeWords(); s != "" {
		if d.Elapsed > 0 {
			s += " in " + duration(d.Elapsed)
		}
		p.paragraph(faint, s)
	}
	st := good
	if d.Fails(o.FailOn) {
		st = bad
	}
	p.paragraph(st, d.verdictWords())
	if file, n := d.mostCauses(o); n > 0 && !o.Summary { // what shows findings in numbers says it
		p.paragraph(faint, fmt.Sprintf("begin with %s: %s", p.place(source.Pos{File: file}), count(n, "cause")))
	}
	if n := d.correctable(); n > 0 {
		p.paragraph(faint, "mcpolicy lint --diff shows how to settle "+count(n, "finding"))
	}
	if n := d.unshown(o); n > 0 {
		p.paragraph(faint, fmt.Sprintf("%s below %s not shown; mcpolicy lint shows all", count(n, "finding"), o.Least))
	}
}

// correctable counts the open findings that bring edits along.
func (d *Document) correctable() int {
	n := 0
	for i := range d.Findings {
		if f := &d.Findings[i]; !f.Waived && len(f.Edits) > 0 {
			n++
		}
	}
	return n
}

// mostCauses returns the file where most of the open findings that are shown stand, and
// how many. There is none unless there are several files, and several findings in one.
func (d *Document) mostCauses(o Options) (file string, most int) {
	n := map[string]int{}
	open, _, _ := d.bySeverity()
	for _, f := range open {
		if f.Pos.File != "" && f.Severity >= o.Least {
			n[f.Pos.File]++
		}
	}
	for name, k := range n {
		if k > most || k == most && name < file {
			file, most = name, k
		}
	}
	if len(n) < 2 || most < 2 {
		return "", 0
	}
	return file, most
}

// unshown counts the open findings that Options.Least leaves out.
func (d *Document) unshown(o Options) int {
	n := 0
	for i := range d.Findings {
		if f := &d.Findings[i]; !f.Waived && !f.Known && f.Severity < o.Least && !d.isNoted(f) {
			n++
		}
	}
	return n
}

// scopeWords says what was looked at: crm: 5 tools, 1 prompt, 3 principals; 38
// decisions.
func (d *Document) scopeWords() string {
	s := d.scope()
	if s == nil {
		return ""
	}
	var names, parts []string
	var items []*manifest.Item
	for _, server := range s.Servers {
		names = append(names, server.Name)
		items = append(items, server.Inventory.Items...)
	}
	for _, t := range authz.ItemTypes() {
		n := 0
		for _, it := range items {
			if it.Type == t {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, count(n, typeName(t)))
		}
	}
	parts = append(parts, count(s.Principals, "principal"))
	who := list(names)
	if len(names) > manyServers {
		who = count(len(names), "server")
	}
	text := who + ": " + strings.Join(parts, ", ")
	if s.Decisions > 0 {
		text += "; " + count(s.Decisions, "decision")
	}
	return text
}

// manyServers is how many servers are called by their names.
const manyServers = 4

// duration returns a duration in a unit that suits it: 21 ms, 1.4 s.
func duration(t time.Duration) string {
	if t < time.Second {
		return fmt.Sprintf("%d ms", max(1, t.Milliseconds()))
	}
	return fmt.Sprintf("%.1f s", t.Seconds())
}

// verdictWords counts findings and cases: 1 error, 2 notes, 1 waived; 11
// passed, 1 failed.
func (d *Document) verdictWords() string {
	var parts []string
	if d.Linted {
		parts = append(parts, d.findingWords())
	}
	if d.Diff != nil {
		parts = append(parts, d.Diff.words())
	}
	if d.Lock != nil {
		parts = append(parts, d.Lock.words())
	}
	if d.Drift != nil {
		parts = append(parts, d.Drift.words())
	}
	if d.Tests != nil {
		parts = append(parts, d.caseWords())
	}
	if d.Coverage != nil && len(d.Coverage.Missed) > 0 {
		parts = append(parts, count(len(d.Coverage.Missed), "threshold")+" of coverage not met")
	}
	if d.Probe != nil {
		parts = append(parts, d.probeWords())
	}
	return strings.Join(parts, "; ")
}

func (d *Document) findingWords() string {
	n, known, waived := d.countFindings()
	var words []string
	if text := severityWords(n); text != "" {
		words = []string{text}
	} else {
		words = []string{d.noneWords(known > 0)}
	}
	open, _, _ := d.bySeverity()
	if all := settled(open); all > len(open) {
		words[0] += fmt.Sprintf(" (%s, %s)", count(len(open), "cause"), count(all, "finding"))
	}
	if left := d.LeftOut.words(); left != "" {
		words = append(words, left)
	}
	if known > 0 {
		words = append(words, fmt.Sprintf("%d %s", known, d.knownWords()))
	}
	if waived > 0 {
		words = append(words, fmt.Sprintf("%d waived", waived))
	}
	return strings.Join(words, ", ")
}

// severityWords counts by severity: 1 error, 2 notes.
func severityWords(n [4]int) string {
	var words []string
	for s := authz.SeverityError; s > authz.SeverityOff; s-- {
		if n[s] > 0 {
			words = append(words, count(n[s], s.String()))
		}
	}
	return strings.Join(words, ", ")
}

// countFindings counts the findings by severity, those that the base has, too, and the
// waived ones apart.
func (d *Document) countFindings() (open [4]int, known, waived int) {
	for i := range d.Findings {
		switch f := &d.Findings[i]; {
		case f.Waived:
			waived++
		case f.Known:
			known++
		default:
			open[f.Severity]++
		}
	}
	return open, known, waived
}

func (d *Document) caseWords() string {
	n := d.Tests.Counts()
	var words []string
	for _, part := range []struct {
		n    int
		word string
	}{{n.Passed, "passed"}, {n.Failed, "failed"}, {n.Errored, "errored"}, {n.Skipped, "skipped"}} {
		if part.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	if len(words) == 0 {
		words = []string{"no cases"}
	}
	return strings.Join(words, ", ") + d.cerbosWords()
}

// cerbosWords says how many of the cases are of Cerbos suites, and how many of those could
// not be run.
func (d *Document) cerbosWords() string {
	cases, invalid := 0, 0
	for _, s := range d.Tests.Suites {
		if s.Cerbos {
			cases += len(s.Cases)
		}
		if s.Err != nil {
			invalid++
		}
	}
	text := ""
	if cases > 0 {
		text = fmt.Sprintf(" (%d in Cerbos suites)", cases)
	}
	if invalid > 0 {
		text += fmt.Sprintf(", %s could not be run", count(invalid, "Cerbos suite"))
	}
	return text
}
