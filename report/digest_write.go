package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
)

func countOf(n, total int) string { return fmt.Sprintf("%d of %s", n, count(total, "finding")) }

var digestHeads = []string{"rule", "errors", "warnings", "notes", "items", "principals"}

// rows returns the table of the rules.
func (s *digest) rows() [][]string {
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	var rows [][]string
	for _, r := range s.rules {
		row := []string{r.name}
		for level := authz.SeverityError; level > authz.SeverityOff; level-- {
			row = append(row, number(r.severity[level]))
		}
		rows = append(rows, append(row, number(len(r.items)), number(len(r.principals))))
	}
	return rows
}

// writeDigest writes findings in numbers, and where to begin.
func (p *printer) writeDigest(d *Document) {
	s := newDigest(d)
	if s.worst == nil {
		return
	}
	rows := append([][]string{digestHeads}, s.rows()...)
	widths := make([]int, len(digestHeads))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], widthOf(p.text(text)))
		}
	}
	for n, row := range rows {
		l := p.line().add(plain, row[0])
		if numbers := widths[1] + widths[2] + widths[3] + widths[4] + widths[5] + 10; widths[0]+numbers > p.width && n > 0 {
			l.end() // a narrow terminal has the numbers below
			l = p.line()
		}
		at := min(widths[0], max(p.width-(widths[1]+widths[2]+widths[3]+widths[4]+widths[5]+10), 0))
		for i, text := range row[1:] {
			at += 2 + widths[i+1]
			st := plain
			if n == 0 {
				st = faint
			} else if i < int(authz.SeverityError) {
				st = severityStyle(authz.SeverityError - authz.Severity(i)) //nolint:gosec // of three
			}
			l.to(at-widthOf(text)).add(st, text)
		}
		l.end()
	}
	p.blank()
	e := p.entry(severityStyle(s.worst.Severity), "first")
	e.text(strong, s.worst.Message)
	last := e.last()
	if pos := s.worst.Pos.String(); pos != "" {
		e.text(faint, pos)
	}
	e.right(last, s.worst.Rule)
	for _, l := range e.lines {
		l.end()
	}
	for _, x := range s.starts() {
		e := p.entry(faint, x.what)
		e.text(plain, x.name+": "+x.words(s.total.findings()))
		for _, l := range e.lines {
			l.end()
		}
	}
	p.blank()
}

// digest writes findings in numbers, and where to begin.
func (m *markdown) digest() {
	s := newDigest(m.d)
	if s.worst == nil {
		return
	}
	var b strings.Builder
	b.WriteString("### Findings\n\n| " + strings.Join(digestHeads, " | ") + " |\n|---|" + strings.Repeat("--:|", len(digestHeads)-1) + "\n")
	for _, row := range s.rows() {
		b.WriteString("| " + mdCode(row[0]) + " | " + strings.Join(row[1:], " | ") + " |\n")
	}
	b.WriteString("\nWhere to begin:\n\n")
	first := fmt.Sprintf("**%s** %s (%s)", s.worst.Severity, mdText(s.worst.Message), mdCode(s.worst.Rule))
	if pos := s.worst.Pos.String(); pos != "" {
		first += "<br>\n  " + mdCode(pos)
	}
	b.WriteString(item([]string{first}))
	for _, x := range s.starts() {
		b.WriteString(item([]string{x.what + " " + mdCode(x.name) + ": " + x.words(s.total.findings())}))
	}
	b.WriteString("\n")
	m.add(errorRank, "summary of findings", b.String(), "")
}

// Findings in numbers in JSON: of those that count, neither waived nor known.
type (
	digestJSON struct {
		digestCountJSON
		Known     int               `json:"known"`
		Waived    int               `json:"waived"`
		Explained int               `json:"explained"` // findings that these explain, which are left out
		Rules     []digestCountJSON `json:"rules"`
		Files     []digestCountJSON `json:"files"`
		Servers   []digestCountJSON `json:"servers"`
		First     *digestFirstJSON  `json:"first,omitempty"` // to begin with
	}
	digestCountJSON struct {
		Name       string `json:"name,omitempty"`
		Findings   int    `json:"findings"`
		Errors     int    `json:"errors"`
		Warnings   int    `json:"warnings"`
		Notes      int    `json:"notes"`
		Items      int    `json:"items"`
		Principals int    `json:"principals"`
	}
	digestFirstJSON struct {
		Rule     string `json:"rule"`
		Severity string `json:"severity"`
		Message  string `json:"message"`
		File     string `json:"file,omitempty"`
		Line     int    `json:"line,omitempty"`
		Column   int    `json:"column,omitempty"`
	}
)

func jsonCount(c *digestCount) digestCountJSON {
	return digestCountJSON{
		c.name, c.findings(), c.severity[authz.SeverityError], c.severity[authz.SeverityWarning], c.severity[authz.SeverityNote],
		len(c.items), len(c.principals),
	}
}

func jsonDigest(d *Document) digestJSON {
	s := newDigest(d)
	open, known, waived := d.bySeverity()
	j := digestJSON{
		digestCountJSON: jsonCount(&s.total), Known: len(known), Waived: len(waived),
		Rules: []digestCountJSON{}, Files: []digestCountJSON{}, Servers: []digestCountJSON{},
	}
	for _, f := range open {
		j.Explained += len(f.Explains)
	}
	for _, of := range []struct {
		list []*digestCount
		to   *[]digestCountJSON
	}{{s.rules, &j.Rules}, {s.files, &j.Files}, {s.servers, &j.Servers}} {
		for _, c := range of.list {
			*of.to = append(*of.to, jsonCount(c))
		}
	}
	if f := s.worst; f != nil {
		j.First = &digestFirstJSON{f.Rule, f.Severity.String(), f.Message, f.Pos.File, f.Pos.Line, f.Pos.Col}
	}
	return j
}
