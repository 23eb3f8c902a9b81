package report_test

import (
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// callsWithout are two cases about calls of one tool: one about all arguments, and one
// about a call without any.
func callsWithout() *report.Document {
	of := func(arguments map[string]any, line int) *testrunner.Case {
		return &testrunner.Case{
			Test: "t", Principals: []*authz.Principal{{Key: "ada", ID: "ada"}}, Server: "desk", Item: &manifest.Item{Name: "ship"}, Operation: authz.Call,
			Arguments: arguments, Want: "denied", Got: "allowed", Outcome: testrunner.Failed, Message: "it is allowed", Pos: pos("tests/a.yaml", line, 9),
			Why: "nothing is shipped", By: []string{testrunner.ByDefault}, Because: testrunner.NoRule,
		}
	}
	return &report.Document{Tests: &testrunner.Result{Suites: []*testrunner.SuiteResult{{
		Name: "s", File: "tests/a.yaml", Pos: pos("tests/a.yaml", 1, 1), Cases: []*testrunner.Case{of(nil, 5), of(map[string]any{}, 6)},
	}}}}
}

// TestNoArguments holds that formats tell a call without arguments from a case that
// is about all of them, and that a merged report does, too.
func TestNoArguments(t *testing.T) {
	first := inFormat(t, "json", callsWithout())
	merged, err := report.Merge([]report.MergeFile{{Name: "a.json", Data: []byte(first)}})
	if err != nil {
		t.Fatal(err)
	}
	again := &strings.Builder{}
	if err := merged.Write("json", again, report.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"json": first, "merged": again.String(), "lines": inFormat(t, "lines", callsWithout())} {
		if n := strings.Count(text, `"arguments":{}`); n != 1 {
			t.Errorf("%s: %d cases without arguments, want 1\n%s", name, n, text)
		}
		for _, key := range []string{`"why":"nothing is shipped"`, `"by":["default"]`, `"because":"no-rule"`} {
			if n := strings.Count(text, key); n != 2 {
				t.Errorf("%s: %s stands there %d times\n%s", name, key, n, text)
			}
		}
	}
	for format, want := range map[string]int{"text": 1, "markdown": 1, "junit": 2} { // JUnit says it in the name, too
		text := inFormat(t, format, callsWithout())
		if n := strings.Count(text, "ship {}"); n != want {
			t.Errorf("%s: %d calls without arguments, want %d\n%s", format, n, want, text)
		}
		again.Reset()
		if err := merged.Write(format, again, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if text = strings.ReplaceAll(text, ".yaml:5:9", ".yaml:5"); again.String() != strings.ReplaceAll(text, ".yaml:6:9", ".yaml:6") { // JSON has no column
			t.Errorf("%s: merged it is\n%s\nand before it was\n%s", format, again, text)
		}
	}
}

func inFormat(t *testing.T, format string, d *report.Document) string {
	t.Helper()
	var b strings.Builder
	if err := report.Write(format, &b, d, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
