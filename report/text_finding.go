package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
)

// writeFindings writes the differences from production and the findings, the
// most severe first. Those that are
// waived or of no interest are left to the summary.
func (p *printer) writeFindings(d *Document, o Options) {
	open, known, waived := d.bySeverity()
	for _, f := range d.driftFindings() {
		p.writeFinding(f)
	}
	for _, f := range open {
		if f.Severity >= o.Least && !d.isNoted(f) {
			p.writeFinding(f)
		}
	}
	if o.All {
		for _, f := range slices.Concat(known, waived) {
			p.writeFinding(f)
		}
	}
}

var severityLabels = [...]string{authz.SeverityOff: "off", authz.SeverityNote: "note", authz.SeverityWarning: "warn", authz.SeverityError: "error"}

// writeFinding writes what is wrong, where, what has to change, what that is about, why,
// the way out, and how to read more about the rule.
func (p *printer) writeFinding(f *lint.Finding) {
	label, st := severityLabels[f.Severity], severityStyle(f.Severity)
	switch {
	case f.Waived:
		label, st = "waived", faint
	case f.Known:
		label, st = "known", faint
	}
	e := p.entry(st, label)
	e.text(strong, f.Message)
	last := e.last()
	standing, evidence := standing(f)
	if !f.Pos.IsZero() {
		e.placed(p.place(f.Pos), standing)
	}
	e.right(last, f.Rule)
	e.excerpt(p.sources.excerpt(f))
	for _, s := range touched(f, p.all) {
		e.text(plain, s)
	}
	for _, s := range evidence {
		e.text(plain, s)
	}
	for _, r := range otherPlaces(f) {
		e.placed(p.place(r.Pos), r.Text)
	}
	if f.Waived && f.Reason != "" {
		e.placed(p.place(f.WaivedAt), "waived: "+f.Reason)
	}
	last = len(e.lines)
	if f.Fix != "" {
		e.text(plain, f.Fix)
	}
	if hasPage(f.Rule) {
		e.right(last, "mcpolicy rules "+f.Rule)
	}
	e.end()
}

// excerpt adds a line of a file with marks under what a finding is about.
func (e *entry) excerpt(x *excerpt) {
	if x == nil {
		return
	}
	number := fmt.Sprintf("%4d | ", x.line)
	line, marks := x.draw(e.p.inert, max(minExcerpt, e.p.width-e.indent-len(number)), e.p.dots)
	rest := strings.Repeat(" ", len(number)-2) + "| "
	for _, of := range []struct {
		gutter, text string
		st           style
	}{{number, line, plain}, {rest, marks, partly}} {
		e.lines = append(e.lines, e.p.line().to(e.indent).sign(faint, of.gutter).sign(of.st, of.text))
	}
}

// minExcerpt is how much of a line is shown on the narrowest terminal.
const minExcerpt = 10

// hasPage reports whether mcpolicy rules explains a rule.
func hasPage(rule string) bool {
	_, err := lint.Find(rule)
	return err == nil
}
