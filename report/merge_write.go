package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Write writes what was merged in the format of that name. What a format has no place for,
// and a matrix in numbers, which JSON and JSON Lines alone have, is refused.
func (m *Merged) Write(format string, w io.Writer, o Options) error {
	switch format {
	case "json":
		return m.writeJSON(w)
	case "lines":
		return m.writeLines(w)
	}
	if err := m.Writable(format); err != nil {
		return err
	}
	if format == "csv" && !m.judged() {
		return m.writeCells(w)
	}
	return Write(format, w, m.document(format), o)
}

// Writable reports why a format has no place for what was merged, or nil.
func (m *Merged) Writable(format string) error {
	lost := ""
	switch {
	case format == "json" || format == "lines":
		return nil
	case m.summary:
		lost = "the summary of a matrix"
	case m.matrix && !m.judged() && slices.ContainsFunc(Formats(), func(f Format) bool { return f.Name == format && f.Checks }):
		lost = "the cells of a matrix"
	case m.matrix && format != "csv" && !slices.ContainsFunc(Formats(), func(f Format) bool { return f.Name == format && f.Checks }):
		_, err := m.matrixOf()
		return err
	}
	if lost == "" {
		return nil
	}
	return fmt.Errorf("--format: %s of merged reports has no place for %s; json and lines have", format, lost)
}

// judged reports whether anything was but decided.
func (m *Merged) judged() bool {
	return m.linted || m.tests || m.diff != nil || m.drift != nil || m.lock != nil || m.probe != nil
}

func (m *Merged) writeJSON(w io.Writer) error {
	s := newStream(w)
	list := func(opener, kind, closer string) {
		s.list(opener, closer)
		for _, e := range m.lists[kind] {
			s.bytes([]byte(e.text))
		}
		s.close()
	}
	s.raw(fmt.Sprintf("{\"version\": %d", jsonVersion))
	if m.summary {
		s.raw(",\n ")
		list(`"summary": [`, "summary", "]")
	}
	if m.matrix {
		s.raw(",\n \"matrix\": {")
		list(`"items": [`, "matrixItem", "]")
		s.raw(",\n ")
		list(`"cells": [`, "cell", "]}")
	}
	if m.linted {
		s.raw(",\n ")
		list(`"findings": [`, "finding", "]")
	}
	if m.digest {
		s.raw(",\n \"findingSummary\": " + string(jsonOf(jsonDigest(m.found()))))
	}
	if m.leftOut != nil {
		s.raw(",\n \"leftOut\": " + string(jsonOf(jsonLeftOut(m.leftOut))))
	}
	if m.baseline != nil {
		s.raw(",\n \"baseline\": {\"totals\": " + string(jsonOf(m.baseline)) + ", ")
		list(`"gone": [`, "gone", "]}")
	}
	if m.drift != nil {
		s.raw(",\n \"drift\": {\"totals\": " + string(jsonOf(m.drift)) + ", ")
		list(`"cells": [`, "drifted", "]}")
	}
	if m.diff != nil {
		s.raw(",\n \"diff\": {\"verdict\": " + string(jsonOf(m.diff.Verdict)) + ", \"totals\": " + string(jsonOf(m.diff)))
		for _, x := range diffLists() {
			s.raw(",\n  ")
			list(`"`+x[0]+`": [`, x[1], "]")
		}
		s.raw("}")
	}
	if m.lock != nil {
		s.raw(",\n \"lock\": {\"totals\": " + string(jsonOf(m.lock)) + ", ")
		list(`"changes": [`, "locked", "]}")
	}
	if m.tests {
		s.shard(m.shard)
		m.writeTests(s)
	}
	if m.coverage != nil {
		s.raw(",\n \"coverage\": " + string(jsonOf(m.coverage)))
	}
	if m.probe != nil {
		s.raw(",\n \"probe\": {\"summary\": " + string(jsonOf(m.probe)) + ", ")
		list(`"drifts": [`, "probed", "]}")
	}
	if len(m.lists["note"]) > 0 {
		s.raw(",\n ")
		list(`"notes": [`, "note", "]")
	}
	s.doubt(m.doubt)
	s.raw("}\n")
	return s.w.Flush()
}

// writeTests writes the suites and their cases.
func (m *Merged) writeTests(s *stream) {
	n := m.counts()
	s.raw(fmt.Sprintf(",\n \"tests\": {\"passed\": %d, \"failed\": %d, \"errored\": %d, \"skipped\": %d, \"suites\": [", n.Passed, n.Failed, n.Errored, n.Skipped))
	of := map[[2]string][]element{}
	for _, e := range m.lists["case"] {
		c := e.told.(*mergedCase)
		of[[2]string{c.suite, c.file}] = append(of[[2]string{c.suite, c.file}], e)
	}
	for i, suite := range m.suites {
		if i > 0 {
			s.raw(",")
		}
		s.raw("\n  {\"name\": " + string(jsonOf(suite[0])) + ", \"file\": " + string(jsonOf(suite[1])) + ", ")
		if text := m.invalid[suite]; text != "" {
			s.raw("\"error\": " + string(jsonOf(text)) + ", ")
		}
		s.list(`"cases": [`, "]}")
		for _, e := range of[suite] {
			s.bytes([]byte(e.text))
		}
		s.close()
	}
	s.raw("]}")
}

func (m *Merged) counts() testrunner.Counts {
	var n testrunner.Counts
	for _, e := range m.lists["case"] {
		countOutcome(&n, e.told.(*mergedCase).Outcome)
	}
	return n
}

func (m *Merged) writeLines(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	emit := func(kind, text string) { fmt.Fprintf(b, "{%q:%s}\n", kind, text) } // Flush reports errors
	all := func(kinds ...string) {
		for _, kind := range kinds {
			for _, e := range m.lists[kind] {
				text := e.text
				if c, ok := e.told.(*mergedCase); ok {
					text = `{"suite":` + string(jsonOf(c.suite)) + "," + text[1:]
				}
				emit(kind, text)
			}
		}
	}
	emit("version", fmt.Sprint(jsonVersion))
	all("summary", "cell", "finding")
	if m.digest {
		emit("findingSummary", string(jsonOf(jsonDigest(m.found()))))
	}
	if m.leftOut != nil {
		emit("leftOut", string(jsonOf(jsonLeftOut(m.leftOut))))
	}
	if m.baseline != nil {
		emit("baseline", string(jsonOf(m.baseline)))
		all("gone")
	}
	if m.drift != nil {
		emit("drift", string(jsonOf(m.drift)))
		all("drifted")
	}
	if m.diff != nil {
		emit("diff", string(jsonOf(m.diff)))
		all("changed", "role", "roleNarrowed", "item", "principal", "future")
	}
	if m.lock != nil {
		emit("lock", string(jsonOf(m.lock)))
		all("locked")
	}
	all("case")
	if m.coverage != nil {
		m.coverage.elements(func(kind string, v any) { emit(kind, string(jsonOf(v))) })
	}
	if m.probe != nil {
		emit("probe", string(jsonOf(m.probe)))
		all("probed")
	}
	all("note")
	for _, text := range m.doubt {
		emit("doubt", string(jsonOf(text)))
	}
	return b.Flush()
}

// writeCells writes the cells as a table.
func (m *Merged) writeCells(w io.Writer) error {
	t := newCSV(w, csvCells)
	for _, e := range m.lists["cell"] {
		c := e.told.(*mergedCell)
		var rules []string
		for _, r := range c.Rules {
			rules = append(rules, ruleText(source.Pos{File: r.File, Line: r.Line}, r.Effect, r.ID))
		}
		t.write([]string{
			"cell", csvCell(c.Principal), csvCell(c.Server), csvCell(c.Type), csvCell(c.Name), csvCell(c.Operation), csvCell(c.Access),
			csvCell(c.Condition), csvCell(c.Reason), csvList(rules), "",
		})
	}
	return t.notes(m.document("csv"))
}

// document returns the findings, cases and notes.
func (m *Merged) document(format string) *Document {
	d := m.found()
	for _, e := range m.lists["note"] {
		d.Notes = append(d.Notes, e.told.(*noteJSON).note())
	}
	if m.matrix && format != "csv" {
		d.Matrix, _ = m.matrixOf() // [Merged.Writable] has seen that it is whole
	}
	x := m.world()
	if m.diff != nil {
		d.SetDiff(m.changes(x))
	}
	if m.drift != nil {
		d.Drift = m.drifted(x)
	}
	if m.probe != nil {
		d.Probe = m.probed()
	}
	if m.lock != nil {
		d.Linted = true
		for _, e := range m.lists["locked"] {
			d.Findings = append(d.Findings, e.told.(*findingJSON).finding())
		}
	}
	if m.coverage != nil {
		for _, miss := range m.coverage.Missed {
			d.Linted = true
			d.Findings = append(d.Findings, *missFinding(miss.Message))
		}
	}
	if !m.tests {
		return d
	}
	d.Tests = &testrunner.Result{}
	of := map[[2]string]*testrunner.SuiteResult{}
	last := map[*testrunner.SuiteResult]string{} // what its last case says, but of whom
	for _, suite := range m.suites {
		s := &testrunner.SuiteResult{Name: suite[0], File: suite[1], Pos: source.Pos{File: suite[1]}}
		if text := m.invalid[suite]; text != "" {
			s.Err, s.Cerbos = errors.New(text), true
		}
		of[suite] = s
		d.Tests.Suites = append(d.Tests.Suites, s)
	}
	for _, e := range m.lists["case"] {
		c := e.told.(*mergedCase)
		s := of[[2]string{c.suite, c.file}]
		s.Cerbos = s.Cerbos || c.Check != nil
		one := c.caseJSON
		one.Principal = ""
		alike := string(jsonOf(one))
		if n := len(s.Cases); n > 0 && c.Principal != "" && last[s] == alike {
			s.Cases[n-1].Principals = append(s.Cases[n-1].Principals, principalOfKey(c.Principal))
			continue
		}
		last[s] = alike
		s.Cases = append(s.Cases, c.runCase())
	}
	return d
}

// found returns a document of the findings.
func (m *Merged) found() *Document {
	d := &Document{Linted: m.linted, LeftOut: m.leftOut, Doubt: m.Doubt()}
	for _, e := range m.lists["finding"] {
		d.Findings = append(d.Findings, e.told.(*findingJSON).finding())
	}
	if m.baseline != nil {
		d.Baseline = &Baseline{File: m.baseline.File}
		for _, e := range m.lists["gone"] {
			d.Baseline.Gone = append(d.Baseline.Gone, e.told.(*goneJSON).gone())
		}
	}
	return d
}

// Format returns a format that writes what was merged, whatever document it is given.
func (m *Merged) Format(f Format) Format {
	name := f.Name
	f.Write = func(w io.Writer, _ *Document, o Options) error { return m.Write(name, w, o) }
	return f
}
