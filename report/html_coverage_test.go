package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/browser"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/report/page"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// TestPageSaysCoverage holds what a page says of coverage to JSON, and the tests on it to
// the reader of suites.
func TestPageSaysCoverage(t *testing.T) {
	d := coveredFolder(t, "..", "fixtures", "insecure")
	c := pageData(t, d, report.Options{}).Coverage
	var b bytes.Buffer
	if err := report.Write("json", &b, d, report.Options{}); err != nil {
		t.Fatal(err)
	}
	var told struct {
		Coverage struct {
			Summary []struct {
				Kind           string
				Covered, Total int
			}
			Points []struct {
				Kind, State, File string
				Line              int
				Want              []struct{ Test string }
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &told); err != nil {
		t.Fatal(err)
	}
	for i, n := range told.Coverage.Summary {
		if got := c.Counts[i]; got.Kind != n.Kind || got.Covered != n.Covered || got.Of != n.Total || got.Listed+got.More != n.Total-n.Covered {
			t.Errorf("the page has %+v, and JSON %+v", got, n)
		}
	}
	var want, got []string
	for _, p := range told.Coverage.Points {
		if p.State == "uncovered" {
			want = append(want, fmt.Sprintf("%s %s:%d", p.Kind, p.File, p.Line))
			for _, w := range p.Want {
				want = append(want, "- "+w.Test)
			}
		}
	}
	tests := 0
	for _, p := range c.Points {
		got = append(append(got, p.Kind+" "+p.At), p.Tests...)
		for _, test := range p.Tests {
			tests++
			if _, err := testrunner.Parse("t.yaml", []byte("name: t\ntests:\n  "+test+"\n")); err != nil {
				t.Error(err)
			}
		}
	}
	if !slices.Equal(got, want) || tests == 0 {
		t.Errorf("the page has\n%s\nand JSON\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestPageCoverageOfMany holds that a page lists some of what is not covered, and says how
// much more there is.
func TestPageCoverageOfMany(t *testing.T) {
	d := checkedFolder(t, "..", "fixtures", "quickstart")
	p := testcoverage.Point{Kind: testcoverage.Cell, Column: d.Matrix.Columns[0], What: testcoverage.Allowed, Pos: source.Pos{File: "a.json", Line: 1}}
	d.Coverage = &testcoverage.Coverage{Points: slices.Repeat([]testcoverage.Point{p}, 1000)}
	c := pageData(t, d, report.Options{}).Coverage
	at := slices.IndexFunc(c.Counts, func(n page.CoverageCount) bool { return n.Kind == "cell" })
	if n := c.Counts[at]; len(c.Points) != 200 || n.Listed != 200 || n.More != 800 {
		t.Errorf("%d points, %+v", len(c.Points), n)
	}
}

// TestPageCoverageNameless holds that tests for people are told in words where names are
// left out.
func TestPageCoverageNameless(t *testing.T) {
	d := coveredFolder(t, "..", "fixtures", "insecure")
	data := pageData(t, d, report.Options{Nameless: true})
	text, err := json.Marshal(data.Coverage)
	if err != nil {
		t.Fatal(err)
	}
	for who := range d.Matrix.Principals() {
		if who.Kind.String() == "human" && strings.Contains(string(text), `\"`+who.Key+`\"`) {
			t.Errorf("%s is named", who.Key)
		}
	}
	if !strings.Contains(string(text), "someone (") {
		t.Error("nobody is left out")
	}
}

func TestPageCoverage(t *testing.T) {
	p := openPage(t, "insecure, covered")
	wantText(t, p, ".verdict h1", ", 1 threshold of coverage not met")
	wantText(t, p, ".tab .badge", "1 below the threshold")
	click(p, ".card .end a[href='#/coverage']")
	wantText(t, p, "h1", "Covered by tests metric 1")
	wantText(t, p, ".tab[aria-current]", "Coverage")
	wantText(t, p, ".reach td", "below the threshold")
	wantText(t, p, ".findings section > h2", "Outcomes of conditions")
	if n := len(texts(p, ".causerow .body")); n != 0 {
		t.Errorf("%d rows are open", n)
	}
	all := len(texts(p, ".causerow"))
	click(p, ".causerow summary")
	wantText(t, p, ".causerow[open] pre", "- {name: ")
	click(p, ".only button:nth-child(2)")
	if n := len(texts(p, ".causerow")); n == 0 || n >= all {
		t.Errorf("%d of %d rows after one kind was chosen", n, all)
	}
	for _, found := range p.Accessible() {
		t.Error(found)
	}
	browser.Eval[bool](p, "dispatchEvent(new Event('beforeprint'))")
	wantText(t, p, "#print h2", "Covered by tests")
	wantText(t, p, "#print li", "not covered: ")
	p.Quiet()
}
