package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/report/page"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// pageData returns what a page of a document has.
func pageData(t *testing.T, d *report.Document, o report.Options) *page.Data {
	t.Helper()
	var b bytes.Buffer
	o.FailOn = authz.SeverityWarning
	if err := report.Write("html", &b, d, o); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(b.String(), `id="data">`)
	text, _, _ = strings.Cut(text, "</script>")
	var data page.Data
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		t.Fatal(err)
	}
	return &data
}

// TestPageSaysTheMatrix holds every cell of a page to the matrix, and every call on a
// side of a condition to the engine.
func TestPageSaysTheMatrix(t *testing.T) {
	for _, name := range []string{"github", "insecure", "fastmcp", "quickstart", "coaz"} {
		d := checkedFolder(t, "..", "fixtures", name)
		data := pageData(t, d, report.Options{})
		says := func(c page.Class, cell page.Cell) string {
			text := matrix.Access(cell.Access).String() //nolint:gosec // one of four
			if cell.Refused != 0 {
				text = matrix.Refused.String()
			}
			if cell.Condition >= 0 {
				text += " " + data.Conditions[c.Conditions[cell.Condition]]
			}
			return text
		}
		cells := map[[4]string][2]string{}
		for _, c := range data.Classes {
			for i, v := range data.Rows[c.Row] {
				it, pair := data.Items[i], data.Variants[v]
				for _, who := range c.Names {
					cells[[4]string{who, data.Servers[it.Server].Name, it.Type + it.At, it.Name}] = [2]string{says(c, data.Cells[pair[0]]), says(c, data.Cells[pair[1]])}
				}
			}
		}
		n := 0
		for ref := range d.Matrix.All() {
			it := ref.Column.Item
			want := ref.Access.String()
			if ref.Access == matrix.Conditional {
				want += " " + d.Details.Shorter[report.Witnessed{Column: ref.Column, Cell: ref.Cell}].String()
			}
			for _, who := range ref.Class.Principals {
				got := cells[[4]string{who.Key, ref.Column.Server.Name, it.Type.String() + fmt.Sprintf("%s:%d", it.Pos.File, it.Pos.Line), it.Name}][min(1, int(ref.Column.Operation))]
				n++
				if got != want {
					t.Errorf("%s: %s on %s for %s is %s, the page has %s", name, ref.Column.Operation, it.Name, who.Key, want, got)
				}
			}
		}
		if n != 2*len(cells) {
			t.Errorf("%s: %d cells, and %d on the page", name, n, 2*len(cells))
		}
		checkWitnesses(t, name, d, data)
	}
}

// checkWitnesses has the engine decide the calls that a page shows.
func checkWitnesses(t *testing.T, name string, d *report.Document, data *page.Data) {
	t.Helper()
	calls := 0
	for _, w := range data.Witnesses {
		it := data.Items[w.Item]
		for _, c := range data.Classes {
			cell := data.Cells[data.Variants[data.Rows[c.Row][w.Item]][1]]
			if cell.Condition < 0 || c.Conditions[cell.Condition] != w.Condition || !slices.Equal(cell.Rules, w.Rules) {
				continue
			}
			class := d.Matrix.ClassOf(c.Names[0])
			for col := range d.Matrix.ColumnsOf(d.Matrix.Servers[it.Server]) {
				if col.Operation == authz.List || col.Item.Name != it.Name || col.Item.Type.String() != it.Type {
					continue
				}
				for want, call := range map[matrix.Access]int{matrix.Allowed: w.Allows, matrix.Denied: w.Refuses} {
					if call < 0 {
						continue
					}
					var arguments map[string]any
					if err := json.Unmarshal([]byte(data.Calls[call]), &arguments); err != nil {
						t.Fatal(err)
					}
					got, err := d.Matrix.Ask(t.Context(), []matrix.Attempt{{Principal: class.First(), Column: col, Arguments: arguments}})
					if err != nil {
						t.Fatal(err)
					}
					calls++
					if got[0].Access != want && (want != matrix.Denied || got[0].Access != matrix.Refused) {
						t.Errorf("%s: %s with %s for %s is %s, the page says %s", name, it.Name, data.Calls[call], c.Names[0], got[0].Access, want)
					}
				}
			}
		}
	}
	t.Logf("%s: %d calls", name, calls)
}

// TestPageByRole holds what a page says of roles to who-can.
func TestPageByRole(t *testing.T) {
	d := checkedFolder(t, "..", "fixtures", "insecure")
	data := pageData(t, d, report.Options{})
	for _, a := range d.Details.ByRole {
		for _, it := range data.Items {
			if it.Name != a.Column.Item.Name || data.Servers[it.Server].Name != a.Column.Server.Name || it.Type != a.Column.Item.Type.String() || it.Roles < 0 {
				continue
			}
			want, got := map[string]int{}, map[string]int{}
			for _, h := range a.ByRole {
				want[h.Role] = int(h.Access)
			}
			for _, r := range data.ByRole[it.Roles].Roles {
				got[r.Role] = r.Access
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-who-can +page):\n%s", it.Name, diff)
			}
		}
	}
}

// TestPageFiltered shows that a filter leaves whole items and principals out of a
// page, and never an access: one that is not there looks like a denial.
func TestPageFiltered(t *testing.T) {
	d := checkedFolder(t, "..", "fixtures", "fastmcp")
	data := pageData(t, d, report.Options{Filter: &report.Filter{Only: only(t, "conditional"), Principals: globs(t, "sally"), Operations: globs(t, "call")}})
	if len(data.Classes) != 1 || len(data.Items) != 5 {
		t.Errorf("%d classes and %d items", len(data.Classes), len(data.Items))
	}
	for i, v := range data.Rows[data.Classes[0].Row] {
		for _, n := range data.Variants[v] {
			if n < 0 {
				t.Errorf("%s has no cell", data.Items[i].Name)
			}
		}
	}
	if facts := strings.Join(data.Run.Facts, "; "); !strings.Contains(facts, "only the items and principals that the command line chose") {
		t.Errorf("the page says %s", facts)
	}
}

// TestPageSame shows that a page is the same for the same input.
func TestPageSame(t *testing.T) {
	var pages []string
	for range 2 {
		var b bytes.Buffer
		if err := report.Write("html", &b, checkedFolder(t, "..", "fixtures", "insecure"), report.Options{}); err != nil {
			t.Fatal(err)
		}
		pages = append(pages, b.String())
	}
	if pages[0] != pages[1] {
		t.Error("two pages differ")
	}
}

// TestPageVerdict shows what the first sentence goes by.
func TestPageVerdict(t *testing.T) {
	finding := func(s authz.Severity) *report.Document {
		return &report.Document{Linted: true, Findings: []lint.Finding{{Rule: "x", Severity: s, Message: "y"}}}
	}
	who := []*authz.Principal{{Key: "olga"}}
	failed := &report.Document{Tests: &testrunner.Result{Suites: []*testrunner.SuiteResult{{Cases: []*testrunner.Case{{Outcome: testrunner.Failed, Principals: who}, {Outcome: testrunner.Errored, Principals: who}}}}}}
	for _, test := range []struct {
		d    *report.Document
		want string
	}{
		{finding(authz.SeverityError), "bad Not ready: 1 error"},
		{finding(authz.SeverityNote), "good Nothing to fix: no errors, no warnings"},
		{failed, "bad Not ready: 1 failed case, 1 case that could not be decided"},
		{&report.Document{Linted: true, Doubt: errors.New("which policy counts is chance")}, "bad Not ready: some cells cannot be relied on"},
		{&report.Document{}, "info Who may do what"},
	} {
		v := pageData(t, test.d, report.Options{}).Verdict
		if got := v.Level + " " + v.Text; got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

// TestGoldenPage holds what a page is told to a golden file: its look is for eyes.
func TestGoldenPage(t *testing.T) {
	for file, d := range map[string]*report.Document{"check.page.json": checked(t), "check-clean.page.json": clean(t), "probe.page.json": probed(t)} {
		data := pageData(t, d, report.Options{})
		text, err := json.MarshalIndent(data, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Join("testdata", file), append(text, '\n'))
	}
}
