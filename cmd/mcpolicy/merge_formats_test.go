package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestMergeAnyFormat holds that what was merged says in each format what the run said:
// changes of access, differences, the matrix.
func TestMergeAnyFormat(t *testing.T) {
	fixtures := filepath.Join("..", "..", "fixtures")
	run := func(status int, args ...string) string {
		file := filepath.Join(t.TempDir(), "report.json")
		if got, _, stderr := runIn(t, append(args, "--format", "json="+file)...); got != status {
			t.Fatalf("%v: status %d\n%s", args, got, stderr)
		}
		return file
	}
	changes := run(exitFinding, "diff", filepath.Join(fixtures, "changes", "before"), filepath.Join(fixtures, "changes", "after"))
	matrix := run(exitOK, "matrix", "-C", filepath.Join(fixtures, "quickstart"))
	for _, test := range []struct {
		file, format string
		status       int
		want         []string
	}{
		{changes, "text", exitFinding, []string{"triage may now list and call cancel_order", "! destructive", `only now: {"amount": 200`, "over the budget of 0", "9 widened of 24 cells"}},
		{changes, "markdown", exitFinding, []string{"access widened beyond the budget", "⚠ destructive", "`policies/desk.yaml:25:7`"}},
		{changes, "junit", exitFinding, []string{"<failure", "over the budget of 0"}},
		{changes, "sarif", exitFinding, []string{"access-widened", "reach-budget"}},
		{changes, "github", exitFinding, []string{"::error", "title=access-widened"}},
		{changes, "codequality", exitFinding, []string{"access-widened"}},
		{changes, "csv", exitFinding, []string{"cancel_order"}},
		{changes, "html", exitFinding, []string{"cancel_order", "Not ready"}},
		{matrix, "text", exitOK, []string{"export_customers", "scout", "● allowed"}},
		{matrix, "markdown", exitOK, []string{"`get_commission_statement`"}},
		{matrix, "html", exitOK, []string{"get_commission_statement"}},
		{matrix, "csv", exitOK, []string{"cell,harry,crm,tool"}},
	} {
		status, stdout, stderr := runIn(t, "report", "merge", test.file, "--format", test.format)
		if status != test.status {
			t.Errorf("%s of %s: status %d\n%s", test.format, test.file, status, stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: no %q in\n%.2000s", test.format, want, stdout)
			}
		}
	}
}
