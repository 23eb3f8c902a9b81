package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// jsonVersion is the version of the JSON formats. They only ever grow.
const jsonVersion = 1

// writeJSON writes one JSON object: version, matrix or summary, findings, findingSummary, leftOut, baseline,
// drift, diff, lock, tests, coverage, probe, notes and doubt (why the answer cannot be relied on), those that the document has. Items come with what using them does and what that
// is taken from. Cells are sorted by the principal's key, then stand in the order of servers and inventories.
func writeJSON(w io.Writer, d *Document, o Options) error {
	s := newStream(w)
	s.raw(fmt.Sprintf("{\"version\": %d", jsonVersion))
	switch {
	case d.Matrix == nil:
	case o.Summary:
		s.raw(",\n ")
		s.list(`"summary": [`, "]")
		for _, v := range overviews(d.Matrix, o.filter()) {
			s.element(jsonOverview(v))
		}
		s.close()
	default:
		s.raw(",\n \"matrix\": {")
		if o.ByClass {
			s.list(`"classes": [`, "]")
			classes(d.Matrix, o.filter(), s.element)
			s.close()
			s.raw(",\n ")
		}
		s.list(`"items": [`, "]")
		items(d.Matrix, o.filter(), s.element)
		s.close()
		s.raw(",\n ")
		s.list(`"cells": [`, "]}")
		cells(d.Matrix, o, s.bytes)
		s.close()
	}
	if d.Linted {
		s.raw(",\n ")
		s.list(`"findings": [`, "]")
		open, known, waived := d.bySeverity()
		for _, f := range slices.Concat(open, known, waived) {
			s.element(jsonFinding(f))
		}
		s.close()
		s.judged(d, o)
	}
	if d.Drift != nil {
		s.drift(d.Drift)
	}
	if d.Diff != nil {
		s.diff(d.Diff)
	}
	if d.Lock != nil {
		s.lock(d)
	}
	if d.Tests != nil {
		s.shard(d.Shard)
		s.tests(d.Tests)
	}
	if d.Coverage != nil {
		s.raw(",\n \"coverage\": " + string(jsonOf(jsonCoverage(d.Coverage))))
	}
	if d.Probe != nil {
		s.raw(",\n \"probe\": {\"summary\": " + string(jsonOf(jsonProbe(d.Probe))) + ", ")
		s.list(`"drifts": [`, "]}")
		for i := range d.Probe.Drifts {
			s.element(jsonProbed(&d.Probe.Drifts[i]))
		}
		s.close()
	}
	if len(d.Notes) > 0 {
		s.raw(",\n ")
		s.list(`"notes": [`, "]")
		for _, n := range d.notes() {
			s.element(jsonNote(n))
		}
		s.close()
	}
	s.doubt(doubts(d.Doubt))
	s.raw("}\n")
	return s.w.Flush()
}

// judged writes what there is to know about the findings as a whole.
func (s *stream) judged(d *Document, o Options) {
	if o.Summary {
		s.raw(",\n \"findingSummary\": " + string(jsonOf(jsonDigest(d))))
	}
	if d.LeftOut != nil {
		s.raw(",\n \"leftOut\": " + string(jsonOf(jsonLeftOut(d.LeftOut))))
	}
	if d.Baseline != nil {
		s.baseline(d.Baseline)
	}
}

// doubts says what cannot be relied on, a line each.
func doubts(err error) []string {
	if err == nil {
		return nil
	}
	var list []string
	for _, m := range source.Mistakes(err) {
		list = append(list, m.Error())
	}
	return list
}

func (s *stream) doubt(list []string) {
	if len(list) > 0 {
		s.raw(",\n \"doubt\": ")
		s.raw(string(jsonOf(list)))
	}
}

func (s *stream) tests(r *testrunner.Result) {
	n := r.Counts()
	s.raw(fmt.Sprintf(",\n \"tests\": {\"passed\": %d, \"failed\": %d, \"errored\": %d, \"skipped\": %d, \"suites\": [", n.Passed, n.Failed, n.Errored, n.Skipped))
	for i, suite := range r.Suites {
		if i > 0 {
			s.raw(",")
		}
		s.raw("\n  {\"name\": ")
		s.raw(string(jsonOf(suite.Name)))
		s.raw(", \"file\": ")
		s.raw(string(jsonOf(suite.File)))
		s.raw(", ")
		if suite.Err != nil {
			s.raw(`"error": ` + string(jsonOf(suite.Undecided().Message)) + ", ")
		}
		s.list(`"cases": [`, "]}")
		for _, c := range suite.Cases {
			for _, p := range c.About() {
				s.element(jsonCase(c, p))
			}
		}
		s.close()
	}
	s.raw("]}")
}

// A stream writes JSON piece by piece, an element of a list a line.
type stream struct {
	w      *bufio.Writer
	first  bool
	closer string
}

func newStream(w io.Writer) *stream { return &stream{w: bufio.NewWriterSize(w, 64<<10)} }

func (s *stream) raw(text string) { fmt.Fprint(s.w, text) } // Flush reports errors

func (s *stream) list(opener, closer string) {
	s.raw(opener)
	s.first, s.closer = true, closer
}

// bytes writes an element in pieces, and reports whether that went well.
func (s *stream) bytes(parts ...[]byte) bool {
	if !s.first {
		s.raw(",")
	}
	s.first = false
	s.raw("\n   ")
	var err error
	for _, p := range parts {
		_, err = s.w.Write(p) // after an error, all writes fail
	}
	return err == nil
}

func (s *stream) element(v any) { s.bytes(jsonOf(v)) }

func (s *stream) close() { s.raw(s.closer) }

// jsonOf returns a value as JSON. Whatever does not show in a string, or would
// command a CI system, is escaped there, so that the text is harmless.
func jsonOf(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return jsonOf(fmt.Sprint(v)) // never: these are strings, numbers and JSON values
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return source.InertJSON(text)
}
