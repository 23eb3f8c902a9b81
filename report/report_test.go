package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/probe"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

func TestFormats(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range report.Formats() {
		if f.Name == "" || f.Summary == "" || f.Write == nil || seen[f.Name] {
			t.Errorf("format %+v", f)
		}
		seen[f.Name] = true
	}
	err := report.Write("txt", io.Discard, &report.Document{}, report.Options{})
	if want := `unknown format "txt" (did you mean text?)`; err == nil || err.Error() != want {
		t.Errorf("unknown format: %v, want %s", err, want)
	}
}

// TestEmpty writes documents that have nothing in them.
func TestEmpty(t *testing.T) {
	for _, f := range report.Formats() {
		for _, d := range []*report.Document{
			{}, {Linted: true}, {Tests: &testrunner.Result{}}, {Matrix: &matrix.Matrix{}, Linted: true}, {Probe: &probe.Result{}},
		} {
			if err := f.Write(io.Discard, d, report.Options{}); (err != nil) != f.Covers { // of no coverage nothing is written
				t.Errorf("%s of %+v: %v", f.Name, d, err)
			}
		}
	}
}

// A fullDisk takes some bytes and no more.
type fullDisk struct{ room int }

var errFull = errors.New("no space left")

func (w *fullDisk) Write(b []byte) (int, error) {
	if len(b) > w.room {
		n := w.room
		w.room = 0
		return n, errFull
	}
	w.room -= len(b)
	return len(b), nil
}

func TestWriteError(t *testing.T) {
	d := checked(t)
	d.Coverage = hostileCoverage("a", d.Matrix, source.Pos{File: "p.yaml", Line: 1})
	for _, f := range report.Formats() {
		for _, room := range []int{0, 10, 500} {
			if err := f.Write(&fullDisk{room}, d, report.Options{}); !errors.Is(err, errFull) {
				t.Errorf("%s with room for %d bytes: %v", f.Name, room, err)
			}
		}
	}
}

func TestFails(t *testing.T) {
	finding := func(s authz.Severity, waived bool) *report.Document {
		return &report.Document{Linted: true, Findings: []lint.Finding{{Severity: s, Waived: waived}}}
	}
	ended := func(o testrunner.Outcome) *report.Document {
		c := &testrunner.Case{Outcome: o, Principals: []*authz.Principal{{}}}
		return &report.Document{Tests: &testrunner.Result{Suites: []*testrunner.SuiteResult{{Cases: []*testrunner.Case{c}}}}}
	}
	for i, test := range []struct {
		d      *report.Document
		failOn authz.Severity
		want   bool
	}{
		{&report.Document{}, authz.SeverityNote, false},
		{finding(authz.SeverityError, false), authz.SeverityWarning, true},
		{finding(authz.SeverityWarning, false), authz.SeverityWarning, true},
		{finding(authz.SeverityNote, false), authz.SeverityWarning, false},
		{finding(authz.SeverityNote, false), authz.SeverityNote, true},
		{finding(authz.SeverityError, true), authz.SeverityNote, false},
		{finding(authz.SeverityError, false), authz.SeverityOff, false},
		{ended(testrunner.Passed), authz.SeverityOff, false},
		{ended(testrunner.Skipped), authz.SeverityOff, false},
		{ended(testrunner.Failed), authz.SeverityOff, true},
		{ended(testrunner.Errored), authz.SeverityOff, true},
	} {
		if got := test.d.Fails(test.failOn); got != test.want {
			t.Errorf("%d: Fails(%v) = %t", i, test.failOn, got)
		}
	}
}

func TestParseFilter(t *testing.T) {
	_, err := report.ParseAccesses([]string{"allowed", "alowed", "x"})
	want := `no access is called "alowed" (did you mean allowed?); there are denied, allowed, conditional, unguarded, refused
no access is called "x"; there are denied, allowed, conditional, unguarded, refused`
	if err == nil || err.Error() != want {
		t.Errorf("accesses:\n%v\nwant\n%s", err, want)
	}
	if _, err = report.ParseGlobs([]string{"a*", "[", "b[!"}); err == nil || strings.Count(err.Error(), "invalid pattern ") != 2 {
		t.Errorf("globs: %v", err)
	}
}

func TestFilterCheck(t *testing.T) {
	m := load(t, "testdata", "office")
	good := &report.Filter{
		Servers: globs(t, "d*"), Principals: globs(t, "sally", "[ht]*"), Roles: globs(t, "SALES", "SUP*"),
		Items: globs(t, "get_*", "crm://customers/{customer_id}", "prompt*"), Operations: globs(t, "{call,read}"),
	}
	if err := good.Check(m); err != nil {
		t.Errorf("good filter: %v", err)
	}
	bad := &report.Filter{
		Servers: globs(t, "desc"), Principals: globs(t, "sall", "sally"), Roles: globs(t, "SALE*S*X"),
		Items: globs(t, "greeet"), Operations: globs(t, "cal"),
	}
	want := `no server matches "desc" (did you mean desk?)
no principal matches "sall" (did you mean sally?)
no role matches "SALE*S*X"
no tool, prompt or resource matches "greeet" (did you mean greet?)
no operation matches "cal" (did you mean call?)`
	if err := bad.Check(m); err == nil || err.Error() != want {
		t.Errorf("bad filter:\n%v\nwant\n%s", err, want)
	}
}

// TestWidth shows that text keeps within the terminal, down to where names and
// places are wider than it.
func TestWidth(t *testing.T) {
	wide := &runewidth.Condition{}
	for _, name := range []string{"quickstart", "fastmcp", "github"} {
		m := fixture(t, name)
		for width := 44; width <= 200; width += 7 {
			for _, o := range []report.Options{{}, {ASCII: true}, {All: true}} {
				o.Width = width
				var b bytes.Buffer
				if err := report.Write("text", &b, &report.Document{Matrix: m}, o); err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(b.String()) {
					line = strings.TrimSuffix(line, "\n")
					if n := wide.StringWidth(line); n > width && strings.Contains(strings.TrimSpace(line), " ") {
						t.Errorf("%s at %d columns: %d in %q", name, width, n, line)
					}
				}
			}
		}
	}
}

// TestCrowd writes many principals in more groups than fit, and many tools.
func TestCrowd(t *testing.T) {
	m := crowd(t, 120, 40)
	text := func(format string, o report.Options) string {
		var b bytes.Buffer
		if err := report.Write(format, &b, &report.Document{Matrix: m}, o); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	short := text("text", report.Options{})
	for _, want := range []string{"more columns not shown", "columns 6 to 10 of 30", " +", "+n: that many more", "the same for everyone: 20 list and call"} {
		if !strings.Contains(short, want) {
			t.Errorf("text does not say %q:\n%s", want, short)
		}
	}
	all := text("text", report.Options{All: true})
	for i := range 120 {
		if n := strings.Count(all, fmt.Sprintf("tool_%03d ", i)); n < 8 {
			t.Errorf("tool_%03d has %d rows:\n%s", i, n, all)
		}
	}
	md := text("markdown", report.Options{})
	if len(md) > report.CommentLimit {
		t.Errorf("Markdown of %d bytes", len(md))
	}
	small := text("markdown", report.Options{MaxBytes: 2000})
	if want := "**Left out, for size:** details of 1 matrix table. See the output of mcpolicy itself."; len(small) > 2000 || !strings.Contains(small, want) {
		t.Errorf("Markdown of %d bytes does not say %q:\n%s", len(small), want, small)
	}
}
