package report_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// change is one of the calls of a tool, to one principal.
func change(kind diff.Kind, tool, who string, pos source.Pos) diff.Cell {
	server := &matrix.Server{Name: "till"}
	item := &manifest.Item{Type: authz.ToolItem, Name: tool, Pos: pos}
	cell := diff.Cell{
		Comparison: diff.Comparison{Kind: kind},
		Principals: []*authz.Principal{{Key: who, ID: who}},
		Column:     &matrix.Column{Server: server, Item: item, Operation: authz.Call},
		Base:       &matrix.Cell{Access: matrix.Denied}, Head: &matrix.Cell{Access: matrix.Allowed},
		Causes: []diff.Cause{{Pos: pos, Rule: &matrix.Rule{Name: tool, Pos: pos}}, {Base: true, Pos: pos, What: who}},
	}
	if kind == diff.Narrowed {
		cell.Base, cell.Head = cell.Head, cell.Base
	}
	return cell
}

func pullRequest(r *diff.Result, failOn config.DiffFailOn, budget *config.Budget) *report.Document {
	return &report.Document{Linted: true, Diff: report.NewDiff(r, "main @ 0a1b2c", "the working tree", failOn, budget)}
}

func markdown(t rapid.TB, d *report.Document, o report.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write("markdown", &b, d, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestChangeVerdict holds the first lines of a pull request's comment, which must not be
// an all-clear where somebody gains.
func TestChangeVerdict(t *testing.T) {
	place := source.Pos{File: "p.yaml", Line: 3, Col: 5}
	cells := func(kinds ...diff.Kind) *diff.Result {
		r := &diff.Result{Compared: 4}
		for _, k := range kinds {
			r.Cells = append(r.Cells, change(k, "void_sale", "una", place))
		}
		return r
	}
	none, two := 0, 2
	known := pullRequest(cells(), config.FailWidened, nil)
	known.Findings = []lint.Finding{{Rule: "x", Severity: authz.SeverityError, Known: true}}
	one := []*authz.Principal{{Key: "una"}}
	both := pullRequest(cells(diff.Widened), config.FailWidened, nil)
	both.Findings = []lint.Finding{{Rule: "x", Severity: authz.SeverityError}, {Rule: "y", Severity: authz.SeverityNote}}
	both.Tests = &testrunner.Result{Suites: []*testrunner.SuiteResult{{Cases: []*testrunner.Case{
		{Outcome: testrunner.Failed, Principals: one}, {Outcome: testrunner.Errored, Principals: one},
	}}}}
	for _, test := range []struct {
		name string
		doc  *report.Document
		want string
	}{
		{"nothing", pullRequest(cells(), config.FailWidened, nil), "✅ mcpolicy: access unchanged"},
		{"loss", pullRequest(cells(diff.Narrowed), config.FailWidened, nil), "✅ mcpolicy: access narrowed"},
		{"loss that fails", pullRequest(cells(diff.Narrowed), config.FailAny, nil), "❌ mcpolicy: access narrowed"},
		{"gain", pullRequest(cells(diff.Widened, diff.Narrowed), config.FailWidened, nil), "❌ mcpolicy: access widened"},
		{"gain that passes", pullRequest(cells(diff.Changed), config.FailNever, nil), "⚠️ mcpolicy: access widened"},
		{"gain within a budget", pullRequest(cells(diff.Widened), config.FailBudget, &config.Budget{Principals: &two}), "⚠️ mcpolicy: access widened within the budget"},
		{"gain beyond it", pullRequest(cells(diff.Widened), config.FailBudget, &config.Budget{Principals: &none}), "❌ mcpolicy: access widened beyond the budget"},
		{"unknown", pullRequest(cells(diff.Unknown), config.FailWidened, nil), "❌ mcpolicy: access "},
		{"unknown that passes", pullRequest(cells(diff.Unknown), config.FailNever, nil), "⚠️ mcpolicy: access "},
		{"findings of before", known, "✅ mcpolicy: access unchanged"},
		{"all at once", both, "❌ mcpolicy: access widened, 1 new finding, 1 failed case, 1 errored case"},
	} {
		got := markdown(t, test.doc, report.Options{FailOn: authz.SeverityWarning})
		if want := "<!-- mcpolicy -->\n## " + test.want; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q does not begin with %q", test.name, got[:min(len(got), 120)], want)
		}
	}
}

// TestMarker holds what a bot looks for, and that nothing gets out of it.
func TestMarker(t *testing.T) {
	d := pullRequest(&diff.Result{}, config.FailWidened, nil)
	for key, want := range map[string]string{
		"": "<!-- mcpolicy -->\n", "crm": "<!-- mcpolicy crm -->\n", "services/crm-eu_1.2": "<!-- mcpolicy services/crm-eu_1.2 -->\n",
		"a-->b": "", "a--b": "", "-a": "", "a-": "", "a b": "", "a\nb": "", "é": "", "<a>": "", strings.Repeat("a", 201): "",
	} {
		if ok := report.CheckMarker(key) == nil; ok != (want != "") {
			t.Errorf("CheckMarker(%q): %v", key, ok)
		}
		if want == "" {
			want = "<!-- mcpolicy -->\n"
		}
		if got := markdown(t, d, report.Options{Marker: key}); !strings.HasPrefix(got, want+"## ") {
			t.Errorf("%q: %q", key, got)
		}
	}
}

// TestChangeFits holds a comment to its limit, and what a change opens to be what goes last.
func TestChangeFits(t *testing.T) {
	r := &diff.Result{Compared: 1000}
	d := pullRequest(r, config.FailWidened, nil)
	for i := range 300 {
		place := source.Pos{File: "p.yaml", Line: i + 1, Col: 5}
		r.Cells = append(r.Cells, change(diff.Widened, fmt.Sprintf("open_%d", i), fmt.Sprintf("p%d", i), place),
			change(diff.Narrowed, fmt.Sprintf("close_%d", i), fmt.Sprintf("p%d", i), place))
		d.Findings = append(d.Findings, lint.Finding{Rule: "x", Severity: authz.SeverityWarning, Message: strings.Repeat("warned ", 20), Pos: place},
			lint.Finding{Rule: "x", Severity: authz.SeverityWarning, Message: strings.Repeat("of old ", 20), Pos: place, Known: true})
		d.Notes = append(d.Notes, report.Note{Message: strings.Repeat("noted ", 20), Pos: place})
	}
	d.Diff = report.NewDiff(r, "main", "the working tree", config.FailWidened, nil)
	for _, limit := range []int{1, 200, 300, 1000, 5000, 20_000, 50_000, 0, 120_000, 1 << 20} {
		got := markdown(t, d, report.Options{MaxBytes: limit, FailOn: authz.SeverityWarning})
		most := limit
		if limit == 0 {
			most = report.CommentLimit
		}
		if len(got) > max(most, 250) { // the verdict always stays
			t.Errorf("%d bytes, with a limit of %d", len(got), limit)
		}
		if !strings.HasPrefix(got, "<!-- mcpolicy -->\n## ❌ mcpolicy: access widened, 300 new findings\n") {
			t.Errorf("limit %d: no verdict: %q", limit, got[:80])
		}
		opened, closed, warned, old := strings.Count(got, "may now call open"), strings.Count(got, "may no longer call close"), strings.Count(got, "warned warned warned"), strings.Count(got, "of old of old of old")
		if closed > 0 && opened < 300 || warned > 0 && closed < 300 || old > 0 && warned/6 < 300/6 {
			t.Errorf("limit %d: %d opened, %d closed, %d warned, %d of old", limit, opened, closed, warned, old)
		}
		if opened < 300 && !strings.Contains(got, "**Left out, for size:**") {
			t.Errorf("limit %d: it does not say that something is left out", limit)
		}
		if limit >= 1000 && opened == 0 {
			t.Errorf("limit %d: nothing of what is opened:\n%s", limit, got)
		}
	}
}

// TestHostileChange puts a stranger's text wherever a change has some.
func TestHostileChange(t *testing.T) {
	check := func(t rapid.TB, s string) {
		place := source.Pos{File: s, Line: 1, Col: 1}
		r := &diff.Result{Cells: []diff.Cell{change(diff.Widened, s, s, place), change(diff.Narrowed, "x"+s, s, place), change(diff.Unknown, "y"+s, "z"+s, place)}}
		r.Cells[2].Open = []string{s}
		r.Cells[0].Gained = &diff.Witness{Principal: &authz.Principal{ID: s, Roles: []string{s}}, Arguments: map[string]any{s: s}}
		r.Cells[1].Base = &matrix.Cell{Access: matrix.Conditional, Condition: authz.Unwritten(s)}
		col := r.Cells[0].Column
		r.Roles = []diff.Role{{Comparison: diff.Comparison{Kind: diff.Widened}, Roles: []string{s, "*"}, ID: s, Column: col, Base: &matrix.Cell{}, Head: &matrix.Cell{Access: matrix.Allowed}}}
		for _, what := range []string{"added", "removed", "hints", "schema", "description", "title", "tags"} {
			r.Items = append(r.Items, diff.Item{Server: col.Server, Item: col.Item, Before: col.Item, Change: what})
		}
		r.Beyond = []*matrix.Column{col}
		none := 0
		d := &report.Document{Diff: report.NewDiff(r, s, s, config.FailWidened, &config.Budget{Principals: &none, Pos: place})}
		d.Diff.Missing = s
		write := func(w io.Writer, d *report.Document, o report.Options) error {
			return report.Write("markdown", w, d, o)
		}
		checkMarkdown(t, s, written(t, s, "markdown", d, write, report.Options{}), 2, 0)
		checkMarkdown(t, s, written(t, s, "markdown", d, write, report.Options{ByRule: true}), 2, 0)
	}
	for _, s := range nasty {
		check(t, s)
		check(t, "a"+s)
		check(t, s+s+"b")
	}
	rapid.Check(t, func(r *rapid.T) {
		check(r, strings.Join(rapid.SliceOfN(rapid.SampledFrom(nasty), 1, 6).Draw(r, "pieces"), ""))
	})
}
