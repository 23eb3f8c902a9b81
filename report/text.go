package report

import (
	"io"

	"github.com/mcpolicy/mcpolicy/testrunner"
)

// writeText writes what a terminal shows: the matrix, if that is all there is;
// otherwise the cases that did not pass, the findings, and the summary. Of a
// clean run the summary is all.
func writeText(w io.Writer, d *Document, o Options) error {
	p := newPrinter(w, o)
	p.sources = newTexts(d.Source)
	checked := d.checked()
	if d.Matrix != nil && !checked {
		if o.Summary {
			p.writeOverviews(d.Matrix, o)
		} else {
			p.writeMatrix(d.Matrix, o)
		}
	}
	p.writeDiff(d)
	p.writeLock(d)
	p.writeCases(d, o)
	if o.Summary {
		p.writeDigest(d)
	} else {
		p.writeFindings(d, o)
	}
	for _, f := range shortly(d.probeFindings()) {
		p.writeFinding(f)
	}
	if d.Proving && !o.Summary {
		p.writeProved(d)
	}
	for _, n := range d.notes() {
		p.writeNote(n)
	}
	if d.Matrix != nil && !checked {
		return p.w.Flush()
	}
	p.writeCoverage(d.Coverage)
	p.writeSummary(d, o)
	return p.w.Flush()
}

// An entry is a finding, a case or a note: a label and lines of text beside
// it, some with text at the right edge.
type entry struct {
	p      *printer
	lines  []*line
	indent int // where text begins
}

// labelWidth is the width of "error  ".
const labelWidth = 7

func (p *printer) entry(st style, label string) *entry {
	return &entry{p, []*line{p.line().sign(st, label)}, labelWidth}
}

// text adds text, wrapped, from the next line on, or beside the label.
func (e *entry) text(st style, s string) {
	for _, part := range wrap(e.p.text(s), e.p.prose-e.indent) {
		if len(e.lines) > 1 || e.lines[0].width > e.indent {
			e.lines = append(e.lines, e.p.line())
		}
		e.lines[len(e.lines)-1].to(e.indent).sign(st, part)
	}
}

// placed adds a place and what is said about it: beside it if that fits on the
// line.
func (e *entry) placed(pos, s string) {
	switch {
	case pos == "":
		e.text(plain, s)
	case s == "":
		e.text(faint, pos)
	case e.indent+widthOf(e.p.text(pos+"  "+s)) <= e.p.prose:
		e.text(faint, pos)
		e.lines[len(e.lines)-1].add(plain, "  "+s)
	default:
		e.text(faint, pos)
		e.text(plain, s)
	}
}

// right puts text at the right edge of the first line where it fits, from the
// given one on, or else of a line of its own.
func (e *entry) right(from int, s string) {
	for _, l := range e.lines[from:] {
		if l.right(s) {
			return
		}
	}
	e.lines = append(e.lines, e.p.line())
	if room := e.p.prose - widthOf(e.p.text(s)); room >= e.indent {
		e.lines[e.last()].to(room).add(faint, s)
		return
	}
	e.lines[e.last()].to(e.indent).add(faint, s)
}

// last is the number of the last line.
func (e *entry) last() int { return len(e.lines) - 1 }

func (e *entry) end() {
	for _, l := range e.lines {
		l.end()
	}
	e.p.blank()
}

func (p *printer) writeNote(n Note) {
	e := p.entry(faint, "note")
	e.text(plain, n.Message)
	last := e.last()
	e.placed(e.p.place(n.Pos), "")
	if n.Rule != "" {
		e.right(last, n.Rule)
	}
	e.end()
}

func (p *printer) writeCases(d *Document, o Options) {
	if d.Tests == nil {
		return
	}
	for _, s := range d.Tests.Suites {
		if o.Summary {
			for _, f := range failuresOf(s) {
				p.writeFailure(d, f)
			}
			continue
		}
		for _, c := range casesOf(s) {
			if c.Outcome != testrunner.Passed && (c.Outcome != testrunner.Skipped || o.All) {
				p.writeCase(d, c)
			}
		}
	}
}

// writeFailure writes how many cases of a test came out in one way, and the first of them.
func (p *printer) writeFailure(d *Document, f failure) {
	e := p.entry(outcomeStyle(f.first.Outcome), outcomeLabels[f.first.Outcome])
	e.text(plain, f.words())
	e.placed(f.first.Pos.String(), sentence(d, f.first))
	e.end()
}

var outcomeLabels = [...]string{testrunner.Passed: "pass", testrunner.Failed: "FAIL", testrunner.Errored: "ERROR", testrunner.Skipped: "skip"}

func (p *printer) writeCase(d *Document, c *testrunner.Case) {
	e := p.entry(outcomeStyle(c.Outcome), outcomeLabels[c.Outcome])
	e.placed(c.Pos.String(), sentence(d, c))
	from := len(e.lines)
	for _, r := range outcome(c) {
		e.placed(r.pos, r.text)
	}
	if c.Test != "" {
		e.right(min(from, e.last()), c.Test)
	}
	e.end()
}
