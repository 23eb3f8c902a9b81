package report_test

import (
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/report"
)

// TestMarkdownOrder holds what comes first: what failed, the errors, the matrix, and the
// rest in a fold.
func TestMarkdownOrder(t *testing.T) {
	text := markdown(t, checked(t), report.Options{FailOn: authz.SeverityWarning})
	at := -1
	for _, want := range []string{"## ❌", "### Failed tests", "- **failed**", "### Errors", "- **error**", "<b>desk</b>", "</details>", "<b>wiki</b>", "</details>", "<details><summary>1 warning, 1 note</summary>", "- **warning**", "- **note**"} {
		i := strings.Index(text[at+1:], want)
		if i < 0 {
			t.Fatalf("no %q behind %q in\n%s", want, text[:at+1], text)
		}
		at += 1 + i
	}
	d := checked(t)
	d.Tests = nil
	var warnings []lint.Finding
	for _, f := range d.Findings {
		if f.Severity != authz.SeverityError {
			warnings = append(warnings, f)
		}
	}
	d.Findings = warnings
	for failOn, open := range map[authz.Severity]bool{authz.SeverityWarning: true, authz.SeverityError: false} {
		text := markdown(t, d, report.Options{FailOn: failOn})
		if got := strings.Contains(text, "### Findings\n\n- **warning**"); got != open {
			t.Errorf("failing on %s: open %t in\n%s", failOn, got, text)
		}
	}
}

// TestMarkdownSizes cuts a report to many sizes: it keeps within each, ends what it begins,
// shows what failed open, and gives the matrix up last.
func TestMarkdownSizes(t *testing.T) {
	d := checked(t)
	for i := range 40 {
		f := d.Findings[i%3]
		f.Message += strings.Repeat(", again", i%5+1)
		d.Findings = append(d.Findings, f)
	}
	whole := len(markdown(t, d, report.Options{FailOn: authz.SeverityWarning}))
	for limit := 400; limit < whole+100; limit += 61 {
		text := markdown(t, d, report.Options{FailOn: authz.SeverityWarning, MaxBytes: limit})
		if len(text) > limit {
			t.Errorf("%d bytes of %d", len(text), limit)
		}
		if strings.Count(text, "<details") != strings.Count(text, "</details>") || strings.Count(text, "```")%2 != 0 {
			t.Errorf("at %d bytes something is left open:\n%s", limit, text)
		}
		if before, _, _ := strings.Cut(text, "- **failed**"); strings.Count(before, "<details") != strings.Count(before, "</details>") {
			t.Errorf("at %d bytes what failed is folded:\n%s", limit, text)
		}
		table := strings.Contains(text, "❗ destructive.") || strings.Contains(text, "| tools | principals |")
		if strings.Contains(text, "- **") && !table && limit > 1500 {
			t.Errorf("at %d bytes the matrix is gone before the findings:\n%s", limit, text)
		}
		if (limit < whole) != strings.Contains(text, "**Left out, for size:**") {
			t.Errorf("at %d bytes of %d:\n%s", limit, whole, text)
		}
	}
}
