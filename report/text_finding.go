package report

import (
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
	hinted := map[string]bool{}
	for _, f := range d.driftFindings() {
		p.writeFinding(f, hinted)
	}
	for _, f := range open {
		if f.Severity >= o.Least && !d.isNoted(f) {
			p.writeFinding(f, hinted)
		}
	}
	if o.All {
		for _, f := range slices.Concat(known, waived) {
			p.writeFinding(f, hinted)
		}
	}
}

// startsWith reports whether the evidence begins with the place of the
// finding, as the citation of a rule does.
func startsWith(evidence []string, pos string) bool {
	return len(evidence) > 0 && strings.HasPrefix(evidence[0], pos+" ")
}

var severityLabels = [...]string{authz.SeverityOff: "off", authz.SeverityNote: "note", authz.SeverityWarning: "warn", authz.SeverityError: "error"}

// writeFinding writes what is wrong, where, why, and the way out. How to read
// more about the rule is said once a rule.
func (p *printer) writeFinding(f *lint.Finding, hinted map[string]bool) {
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
	if pos := f.Pos.String(); pos != "" && !startsWith(f.Evidence, pos) {
		e.text(faint, pos)
	}
	e.right(last, f.Rule)
	for _, s := range f.Evidence {
		e.text(plain, s)
	}
	for _, r := range f.Related {
		e.placed(r.Pos.String(), r.Text)
	}
	if f.Waived && f.Reason != "" {
		e.placed(f.WaivedAt.String(), "waived: "+f.Reason)
	}
	if f.Fix != "" {
		e.text(plain, f.Fix)
		if !hinted[f.Rule] {
			hinted[f.Rule] = true
			e.right(e.last(), "mcpolicy rules "+f.Rule)
		}
	}
	e.end()
}
