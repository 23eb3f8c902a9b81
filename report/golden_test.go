package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/probe"
	"github.com/mcpolicy/mcpolicy/report"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func globs(t *testing.T, patterns ...string) report.Globs {
	t.Helper()
	g, err := report.ParseGlobs(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func only(t *testing.T, names ...string) report.Accesses {
	t.Helper()
	a, err := report.ParseAccesses(names)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestGolden(t *testing.T) {
	office := func(t *testing.T) *report.Document {
		return &report.Document{Matrix: load(t, "testdata", "office")}
	}
	lintOnly := func(t *testing.T) *report.Document {
		d := checked(t)
		d.Scope, d.Matrix, d.Tests = report.ScopeOf(d.Matrix), nil, nil
		return d
	}
	warnings := report.Options{FailOn: authz.SeverityWarning}
	with := func(change func(*report.Options)) report.Options {
		o := warnings
		change(&o)
		return o
	}
	for _, test := range []struct {
		file    string
		format  string
		doc     func(*testing.T) *report.Document
		options report.Options
	}{
		{"matrix.txt", "text", office, report.Options{}},
		{"matrix-wide.txt", "text", office, report.Options{Width: 160}},
		{"matrix-narrow.txt", "text", office, report.Options{Width: 44}},
		{"matrix-ascii.txt", "text", office, report.Options{ASCII: true}},
		{"matrix-colour.txt", "text", office, report.Options{Color: true, Width: 120}},
		{"matrix-conditional.txt", "text", office, report.Options{Filter: &report.Filter{Only: only(t, "conditional", "unguarded")}}},
		{"matrix-sales-call.txt", "text", office, report.Options{Filter: &report.Filter{
			Roles: globs(t, "SALES"), Items: globs(t, "get_*", "crm://customers/{customer_id}"), Operations: globs(t, "call"), Servers: globs(t, "desk"),
		}}},
		{"matrix-nothing.txt", "text", office, report.Options{Filter: &report.Filter{Only: only(t, "conditional"), Servers: globs(t, "wiki")}}},
		{"matrix-everyone.txt", "text", office, report.Options{Filter: &report.Filter{Items: globs(t, "crm://*", "search_*")}}},
		{"matrix.json", "json", office, report.Options{}},
		{"matrix-by-class.json", "json", office, report.Options{ByClass: true, Filter: &report.Filter{Only: only(t, "allowed")}}},
		{"summary.txt", "text", office, report.Options{Summary: true}},
		{"summary-narrow.txt", "text", office, report.Options{Summary: true, Width: 44, ASCII: true}},
		{"summary.md", "markdown", office, report.Options{Summary: true}},
		{"summary.json", "json", office, report.Options{Summary: true, Filter: &report.Filter{Servers: globs(t, "desk"), Only: only(t, "allowed", "conditional")}}},
		{"matrix.lines", "lines", office, report.Options{Filter: &report.Filter{Only: only(t, "conditional")}}},
		{"matrix.md", "markdown", office, report.Options{}},
		{"check.txt", "text", checked, warnings},
		{"check-all-wide.txt", "text", checked, with(func(o *report.Options) { o.All, o.Width = true, 160 })},
		{"check-narrow.txt", "text", checked, with(func(o *report.Options) { o.Width, o.Least = 50, authz.SeverityWarning })},
		{"check-colour.txt", "text", checked, with(func(o *report.Options) { o.Color = true })},
		{"check-summary.txt", "text", checked, with(func(o *report.Options) { o.Summary = true })},
		{"check-summary.md", "markdown", checked, with(func(o *report.Options) { o.Summary = true })},
		{"check-clean.txt", "text", clean, warnings},
		{"lint.txt", "text", lintOnly, warnings},
		{"check.json", "json", checked, with(func(o *report.Options) { o.Filter = &report.Filter{Only: only(t, "conditional")} })},
		{"check.lines", "lines", checked, with(func(o *report.Options) { o.Filter = &report.Filter{Only: only(t, "conditional")} })},
		{"check.junit.xml", "junit", checked, warnings},
		{"check-clean.junit.xml", "junit", clean, warnings},
		{"lint.junit.xml", "junit", lintOnly, report.Options{}},
		{"check.sarif", "sarif", checked, with(func(o *report.Options) { o.Version = "v0.1.0" })},
		{"check.github.txt", "github", checked, warnings},
		{"check.codequality.json", "codequality", checked, warnings},
		{"check-clean.sarif", "sarif", clean, warnings},
		{"check-clean.github.txt", "github", clean, warnings},
		{"check-clean.codequality.json", "codequality", clean, warnings},
		{"check.md", "markdown", checked, warnings},
		{"check-cut.md", "markdown", checked, with(func(o *report.Options) { o.MaxBytes, o.Elsewhere = 1200, "the artifact mcpolicy-report" })},
		{"check-clean.md", "markdown", clean, warnings},
		{"probe.txt", "text", probed, report.Options{}},
		{"probe.md", "markdown", probed, report.Options{}},
		{"probe.json", "json", probed, report.Options{}},
		{"probe.lines", "lines", probed, report.Options{}},
		{"probe.junit.xml", "junit", probed, report.Options{}},
		{"probe.sarif", "sarif", probed, report.Options{Version: "v0.1.0"}},
		{"probe.github.txt", "github", probed, report.Options{}},
		{"probe.codequality.json", "codequality", probed, report.Options{}},
		{"diff.txt", "text", changed, warnings},
		{"diff-summary.txt", "text", changed, with(func(o *report.Options) { o.Summary = true })},
		{"diff-summary.md", "markdown", changed, with(func(o *report.Options) { o.Summary = true })},
		{"diff-by-rule.txt", "text", changed, with(func(o *report.Options) { o.ByRule = true })},
		{"diff.json", "json", changed, warnings},
		{"diff.lines", "lines", changed, warnings},
		{"diff.junit.xml", "junit", changed, warnings},
		{"diff.md", "markdown", changed, warnings},
		{"diff.sarif", "sarif", changed, warnings},
		{"diff.github.txt", "github", changed, warnings},
		{"diff.codequality.json", "codequality", changed, warnings},
		{"drift.txt", "text", drifted, warnings},
		{"drift.json", "json", drifted, warnings},
		{"drift.lines", "lines", drifted, warnings},
		{"drift.junit.xml", "junit", drifted, warnings},
		{"drift.md", "markdown", drifted, warnings},
		{"drift.sarif", "sarif", drifted, warnings},
		{"drift.github.txt", "github", drifted, warnings},
		{"drift.codequality.json", "codequality", drifted, warnings},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := report.Write(test.format, &got, test.doc(t), test.options); err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join("testdata", test.file), got.Bytes())
		})
	}
}

// probed is what a probe of the office found: a call that it must not admit, by
// a rule with a condition, and things of nobody in particular.
func probed(t *testing.T) *report.Document {
	m := load(t, "testdata", "office")
	var conditional matrix.Ref
	for ref := range m.All() {
		if conditional.Cell == nil && ref.Access == matrix.Conditional {
			conditional = ref
		}
	}
	item := conditional.Column.Item
	return &report.Document{
		Scope: &report.Scope{Servers: m.Servers[:1], Principals: 2, Decisions: 12},
		Notes: []report.Note{{Message: "not probed, for there is no token: harry"}},
		Probe: &probe.Result{Answers: 20, Admitted: 7, Calls: 4, Drifts: []probe.Drift{
			{
				Kind: probe.CallAdmitted, Message: "the server lets sally call " + item.Name + ", which the matrix denies", Principal: "sally",
				Server: "desk", Type: item.Type, Name: item.Name, Operation: authz.Call, Arguments: map[string]any{"region": "APAC", "mcpolicy_probe": "forbidden"},
				Expected: "denied", Answered: `isError: "1 validation error for call[x]"`, Condition: conditional.Condition, Rules: conditional.Rules, Pos: conditional.Rules[0].Pos,
			},
			{
				Kind: probe.UnknownItem, Message: "the server lists tool \x1b[31m::error::\u202e](x){0}, which the inventory does not have", Server: "desk",
				Name: "\x1b[31m::error::\u202e](x){0}", Operation: authz.List, Expected: "not in the inventory", Answered: "shown to sally", Pos: m.Servers[0].Inventory.Pos,
			},
			{Kind: probe.UnknownItem, Message: "the server lists tool b, which the inventory does not have", Server: "desk", Name: "b", Operation: authz.List, Expected: "not in the inventory", Answered: "shown to sally"},
			{Kind: probe.NotProbed, Message: "ian could not be probed to the end: no answer", Server: "desk", Principal: "ian", Expected: "an answer", Answered: "no answer"},
		}},
	}
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestOrder shows that JSON does not depend on the order of principals.
func TestOrder(t *testing.T) {
	m := load(t, "testdata", "office")
	for _, o := range []report.Options{{}, {ByClass: true}} {
		var a, b bytes.Buffer
		if err := report.Write("json", &a, &report.Document{Matrix: m}, o); err != nil {
			t.Fatal(err)
		}
		if err := report.Write("json", &b, &report.Document{Matrix: reversed(t)}, o); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a.String(), b.String()); diff != "" {
			t.Errorf("by class %t (-file order +reversed):\n%s", o.ByClass, diff)
		}
	}
}
