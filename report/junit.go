package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// writeJUnit writes a test suite for each suite, with a case for each
// principal, one each for the findings, the differences from production and a probe. The matrix has no place in it.
func writeJUnit(w io.Writer, d *Document, o Options) error {
	x := &junit{e: xml.NewEncoder(w), names: map[testname]bool{}}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	x.e.Indent("", "  ")
	x.junit(d, o)
	if x.err == nil {
		x.err = x.e.Close()
	}
	if x.err != nil {
		return x.err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// A junit writes XML piece by piece. After an error it does nothing.
type junit struct {
	e     *xml.Encoder
	err   error
	names map[testname]bool // of the cases so far
}

// A testname is what tells a case from others.
type testname struct{ class, name string }

func (x *junit) junit(d *Document, o Options) {
	var all tally
	var suites []tally
	if d.Linted {
		suites = append(suites, lintTally(d, o))
	}
	found := d.foundSuites(o)
	for i := range found {
		all.add(found[i].tally())
	}
	if d.Tests != nil {
		for _, s := range d.Tests.Suites {
			suites = append(suites, suiteTally(s))
		}
	}
	if d.Probe != nil {
		suites = append(suites, probeTally(d))
	}
	for _, t := range suites {
		all.add(t)
	}
	x.open("testsuites", append([]xml.Attr{attr("name", "mcpolicy")}, all.attrs()...))
	if d.Linted {
		x.lint(d, o, suites[0])
		suites = suites[1:]
	}
	for i := range found {
		x.found(&found[i])
	}
	if d.Tests != nil {
		for i, s := range d.Tests.Suites {
			x.suite(d, s, suites[i])
		}
	}
	if d.Probe != nil {
		x.probe(d, suites[len(suites)-1])
	}
	x.close("testsuites")
}

// A tally counts the cases of a suite.
type tally struct {
	tests, failures, errors, skipped int
	time                             time.Duration
}

func (t *tally) add(o tally) {
	t.tests += o.tests
	t.failures += o.failures
	t.errors += o.errors
	t.skipped += o.skipped
	t.time += o.time
}

func (t *tally) attrs() []xml.Attr {
	return []xml.Attr{
		attr("tests", strconv.Itoa(t.tests)), attr("failures", strconv.Itoa(t.failures)),
		attr("errors", strconv.Itoa(t.errors)), attr("skipped", strconv.Itoa(t.skipped)), attr("time", seconds(t.time)),
	}
}

func seconds(t time.Duration) string { return strconv.FormatFloat(t.Seconds(), 'f', 6, 64) }

func suiteTally(s *testrunner.SuiteResult) tally {
	n := (&testrunner.Result{Suites: []*testrunner.SuiteResult{s}}).Counts()
	t := tally{tests: n.Passed + n.Failed + n.Errored + n.Skipped, failures: n.Failed, errors: n.Errored, skipped: n.Skipped}
	for _, c := range s.Cases {
		t.time += c.Time
	}
	if s.Err != nil {
		t.tests, t.errors = t.tests+1, t.errors+1
	}
	return t
}

func lintTally(d *Document, o Options) tally {
	t := tally{tests: max(1, len(d.Findings)+len(d.Notes))}
	if d.LeftOut.count() > 0 {
		t.tests, t.skipped = len(d.Findings)+len(d.Notes)+1, 1
	}
	for i := range d.Findings {
		switch f := &d.Findings[i]; {
		case f.Waived:
			t.skipped++
		case fails(f, o.FailOn):
			t.failures++
		}
	}
	return t
}

// A testcase is one case as JUnit has it. Its name does not change from run to
// run.
type testcase struct {
	XMLName   xml.Name `xml:"testcase"`
	Name      string   `xml:"name,attr"`
	Classname string   `xml:"classname,attr"`
	File      string   `xml:"file,attr,omitempty"`
	Line      int      `xml:"line,attr,omitempty"`
	Time      string   `xml:"time,attr"`
	Failure   *trouble `xml:"failure"`
	Error     *trouble `xml:"error"`
	Skipped   *trouble `xml:"skipped"`
	Output    *output  `xml:"system-out"`
}

type trouble struct {
	Message string `xml:"message,attr,omitempty"`
	Type    string `xml:"type,attr,omitempty"`
	Body    string `xml:",cdata"`
}

type output struct {
	Body string `xml:",cdata"`
}

func (x *junit) lint(d *Document, o Options, t tally) {
	x.open("testsuite", append([]xml.Attr{attr("name", "mcpolicy lint")}, t.attrs()...))
	for _, n := range d.notes() {
		x.testcase(&testcase{
			Name: visible(n.Message), Classname: "mcpolicy lint." + visible(firstOf(n.Rule, "note")),
			File: visible(n.Pos.File), Line: n.Pos.Line, Output: &output{visible(n.Pos.String() + ": note: " + n.Message)},
		})
	}
	open, known, waived := d.bySeverity()
	for _, f := range slices.Concat(open, known) {
		c := lintCase(f)
		body := lintBody(f)
		if fails(f, o.FailOn) {
			c.Failure = &trouble{Message: visible(f.Message), Type: visible(f.Rule), Body: body}
		} else {
			c.Output = &output{body}
		}
		x.testcase(c)
	}
	for _, f := range waived {
		c := lintCase(f)
		c.Skipped = &trouble{Message: visible("waived: " + firstOf(f.Reason, "no reason given"))}
		c.Output = &output{lintBody(f)}
		x.testcase(c)
	}
	if left := d.LeftOut.words(); left != "" {
		x.testcase(&testcase{Name: "findings that are left out", Classname: "mcpolicy lint", Skipped: &trouble{Message: left}})
	} else if len(d.Findings)+len(d.Notes) == 0 {
		x.testcase(&testcase{Name: "no findings", Classname: "mcpolicy lint"})
	}
	x.close("testsuite")
}

func probeTally(d *Document) tally {
	n := len(d.Probe.Drifts)
	return tally{tests: max(1, n), failures: n}
}

// probe writes each drift as a failure.
func (x *junit) probe(d *Document, t tally) {
	x.open("testsuite", append([]xml.Attr{attr("name", "mcpolicy probe")}, t.attrs()...))
	for _, f := range d.probeFindings() {
		c := lintCase(f)
		c.Classname = "mcpolicy probe." + visible(f.Rule)
		c.Failure = &trouble{Message: visible(f.Message), Type: visible(f.Rule), Body: lintBody(f)}
		x.testcase(c)
	}
	if len(d.Probe.Drifts) == 0 {
		x.testcase(&testcase{Name: "no drift", Classname: "mcpolicy probe"})
	}
	x.close("testsuite")
}

func lintCase(f *lint.Finding) *testcase {
	return &testcase{
		Name: visible(f.Message), Classname: "mcpolicy lint." + visible(f.Rule), File: visible(f.Pos.File), Line: f.Pos.Line,
	}
}

func lintBody(f *lint.Finding) string {
	lines := []string{fmt.Sprintf("%v: %s [%s]", f.Severity, f.Message, f.Rule)}
	if pos := f.Pos.String(); pos != "" {
		lines[0] = pos + ": " + lines[0]
	}
	lines = append(lines, f.Evidence...)
	for _, r := range f.Related {
		lines = append(lines, r.Pos.String()+"  "+r.Text)
	}
	if f.Fix != "" {
		lines = append(lines, f.Fix)
	}
	return body(lines)
}

// body makes lines safe and joins them.
func body(lines []string) string {
	safe := make([]string, len(lines))
	for i, s := range lines {
		safe[i] = visible(s)
	}
	return strings.Join(safe, "\n")
}

func (x *junit) suite(d *Document, s *testrunner.SuiteResult, t tally) {
	x.open("testsuite", append([]xml.Attr{attr("name", s.Name), attr("file", s.File)}, t.attrs()...))
	for _, c := range casesOf(s) {
		for _, p := range c.About() {
			x.testcase(suiteCase(d, s, c, p))
		}
	}
	x.close("testsuite")
}

func suiteCase(d *Document, s *testrunner.SuiteResult, c *testrunner.Case, p *authz.Principal) *testcase {
	about := sentence(d, c)
	if p != nil && c.Sentence == "" {
		about = p.Key + " " + asks(d, c, true)
	}
	t := &testcase{
		Name: visible(strings.TrimPrefix(c.Test+": "+about, ": ")), Classname: visible(s.Name),
		File: visible(c.Pos.File), Line: c.Pos.Line, Time: seconds(c.Time / time.Duration(len(c.About()))),
	}
	lines := []string{c.Pos.String() + "  " + about}
	message := ""
	for i, r := range outcome(c) {
		text := r.text
		if r.pos != "" {
			text = r.pos + "  " + text
		}
		if i == 0 {
			message = r.text
		}
		lines = append(lines, text)
	}
	why := &trouble{Message: visible(message), Body: body(lines)}
	switch c.Outcome {
	case testrunner.Failed:
		why.Type = "failed"
		t.Failure = why
	case testrunner.Errored:
		why.Type = "errored"
		t.Error = why
	case testrunner.Skipped:
		t.Skipped = &trouble{Message: visible(c.Message)}
	case testrunner.Passed:
	}
	return t
}

func attr(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: visible(value)}
}

func (x *junit) open(name string, attrs []xml.Attr) {
	if x.err == nil {
		x.err = x.e.EncodeToken(xml.StartElement{Name: xml.Name{Local: name}, Attr: attrs})
	}
}

func (x *junit) close(name string) {
	if x.err == nil {
		x.err = x.e.EncodeToken(xml.EndElement{Name: xml.Name{Local: name}})
	}
}

func (x *junit) testcase(t *testcase) {
	if t.Time == "" {
		t.Time = seconds(0)
	}
	if x.apart(t); x.err == nil {
		x.err = x.e.Encode(t)
	}
}

// apart tells a case apart from those of the same name: what reads JUnit takes
// them for one.
func (x *junit) apart(t *testcase) {
	place := "again"
	if t.File != "" {
		place = fmt.Sprintf("%s:%d", t.File, t.Line)
	}
	for x.names[testname{t.Classname, t.Name}] {
		t.Name += " (" + place + ")"
	}
	x.names[testname{t.Classname, t.Name}] = true
}
