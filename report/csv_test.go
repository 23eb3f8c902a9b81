package report_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// checkCSV reads a table and holds its cells to what a spreadsheet would do with them,
// whether it takes commas or semicolons to be between cells.
func checkCSV(t rapid.TB, s, got string) {
	t.Helper()
	rows := readCSV(t, got)
	for _, row := range rows {
		for _, cell := range row {
			for part := range strings.SplitSeq(cell, ";") {
				if begins := strings.TrimLeft(part, " "); begins != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(begins)[0]) {
					t.Errorf("%q as CSV: a formula: %q", s, cell)
				}
			}
		}
	}
}

func readCSV(t rapid.TB, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll() // every row has as many cells
	if err != nil {
		t.Fatalf("not a table: %v\n%s", err, text)
	}
	return rows
}

func TestDefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"get_deal":                 "get_deal",
		"a-b":                      "a-b",
		"=1+1":                     "'=1+1",
		"+1":                       "'+1",
		"-1":                       "'-1",
		"@SUM(A1)":                 "'@SUM(A1)",
		"\tx":                      "'\tx",
		"\rx":                      "'\rx",
		"  =1":                     "  '=1",
		"＝1":                       "'＝1",
		"x;=1":                     "x;'=1",
		"x; =1":                    "x; '=1",
		"'quoted'":                 "''quoted'",
		"'=1":                      "''=1",
		"arguments.region == \"\"": "arguments.region == \"\"",
	} {
		got := report.Defused(text)
		if got != want {
			t.Errorf("Defused(%q) = %q, want %q", text, got, want)
		}
		if back := report.Fused(got); back != text {
			t.Errorf("Fused(%q) = %q, want %q", got, back, text)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(append([]string{"=", "+", "-", "@", "\t", "\r", "'", ";", " ", "x", "＝"}, nasty...)), 0, 8).Draw(r, "text"), "")
		cell := report.Defused(text)
		checkCSV(r, text, csvOf(r, cell))
		if back := report.Fused(cell); back != text {
			r.Fatalf("Fused(Defused(%q)) = %q", text, back)
		}
	})
}

func csvOf(t rapid.TB, cell string) string {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write([]string{cell, "end"}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	return b.String()
}

// TestCSVCells reads the table of a matrix back and compares it with the matrix, cell by
// cell.
func TestCSVCells(t *testing.T) {
	m := load(t, "testdata", "office")
	var b bytes.Buffer
	if err := report.Write("csv", &b, &report.Document{Matrix: m}, report.Options{}); err != nil {
		t.Fatal(err)
	}
	rows := readCSV(t, b.String())
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	told := map[[5]string][2]string{}
	for _, row := range rows[1:] {
		cell := func(name string) string { return report.Fused(row[at[name]]) }
		told[[5]string{cell("principal"), cell("server"), cell("type"), cell("name"), cell("operation")}] = [2]string{cell("access"), cell("condition")}
	}
	n := 0
	for p := range m.Principals() {
		for _, col := range m.Columns {
			cell := m.Cell(m.ClassOf(p.Key), col)
			key := [5]string{source.Inert(p.Key), source.Inert(col.Server.Name), col.Item.Type.String(), source.Inert(col.Item.Name), col.Operation.String()}
			if want := [2]string{cell.Access.String(), source.Inert(cell.Condition.String())}; told[key] != want {
				t.Errorf("%q: %q, want %q", key, told[key], want)
			}
			n++
		}
	}
	if n == 0 || len(told) != n || len(rows) != n+1 {
		t.Errorf("%d rows of %d cells, for %d", len(rows), len(told), n)
	}
}

// TestCSVHostileRows holds that a stranger's text adds neither rows nor columns.
func TestCSVHostileRows(t *testing.T) {
	plain := rowsOf(t, "x")
	for _, s := range nasty {
		if got := rowsOf(t, "y"+s); len(got) != len(plain) || len(got[0]) != len(plain[0]) {
			t.Errorf("%q: %d rows, want %d", s, len(got), len(plain))
		}
	}
}

func rowsOf(t *testing.T, s string) [][]string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write("csv", &b, hostile(t, s), report.Options{}); err != nil {
		t.Fatal(err)
	}
	return readCSV(t, b.String())
}
