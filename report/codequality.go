package report

import (
	"io"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A codeQualityIssue is an element of GitLab's Code Quality report.
type codeQualityIssue struct {
	Description string              `json:"description"`
	CheckName   string              `json:"check_name"`
	Fingerprint string              `json:"fingerprint"`
	Severity    string              `json:"severity"`
	Location    codeQualityLocation `json:"location"`
}

type codeQualityLocation struct {
	Path  string           `json:"path"`
	Lines codeQualityLines `json:"lines"`
}

type codeQualityLines struct {
	Begin int `json:"begin"`
}

// writeCodeQuality writes the JSON array that GitLab shows in merge requests.
// What is waived is left out: GitLab knows no waivers.
func writeCodeQuality(w io.Writer, d *Document, o Options) error {
	s := newStream(w)
	s.list("[", "\n]\n")
	for _, p := range d.annotations(&o) {
		s.element(codeQualityIssue{
			Description: p.text(visible), CheckName: visible(p.rule), Fingerprint: p.fingerprint,
			Severity: [...]string{authz.SeverityNote: "info", authz.SeverityWarning: "major", authz.SeverityError: "critical"}[p.severity],
			Location: codeQualityLocation{Path: visible(o.path(p.pos.File)), Lines: codeQualityLines{Begin: p.pos.Line}},
		})
	}
	s.close()
	return s.w.Flush()
}
