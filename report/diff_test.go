package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// changes is what changed in the fixture, both ways.
func changes(t *testing.T, base, head string) *diff.Result {
	t.Helper()
	opened := func(name string) *workspace.Workspace {
		w, err := workspace.Open(t.Context(), os.DirFS(filepath.Join("..", "fixtures", "changes", name)), workspace.Options{Now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	r, err := opened(head).Diff(t.Context(), opened(base))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// changed is a comparison that found something of each kind.
func changed(t *testing.T) *report.Document {
	t.Helper()
	none := 0
	budget := &config.Budget{Destructive: &none, Everyone: &none}
	budget.Pos.File, budget.Pos.Line, budget.Pos.Col = "mcpolicy.yaml", 10, 11
	return &report.Document{Diff: report.NewDiff(changes(t, "before", "after"), "main @ 0123456789ab", "the working tree", config.FailWidened, budget)}
}

func TestWhatFailsOfChanges(t *testing.T) {
	t.Parallel()
	five, none := 5, 0
	wide := &config.Budget{Destructive: &five, Principals: &five}
	tight := &config.Budget{Destructive: &five, Principals: &none}
	for _, test := range []struct {
		base, head string
		failOn     config.DiffFailOn
		budget     *config.Budget
		want       bool
	}{
		{"before", "after", config.FailWidened, nil, true},
		{"before", "after", config.FailWidened, wide, false},
		{"before", "after", config.FailWidened, tight, true},
		{"before", "after", config.FailBudget, nil, false},
		{"before", "after", config.FailBudget, tight, true},
		{"before", "after", config.FailNever, tight, false},
		{"before", "after", config.FailAny, wide, true},
		{"after", "before", config.FailWidened, nil, false},
		{"after", "before", config.FailAny, nil, true},
		{"before", "before", config.FailAny, nil, false},
	} {
		d := report.Document{Diff: report.NewDiff(changes(t, test.base, test.head), "base", "head", test.failOn, test.budget)}
		if got := d.Fails(authz.SeverityOff); got != test.want {
			t.Errorf("%s to %s, %s, %v: fails %t", test.base, test.head, test.failOn, test.budget, got)
		}
	}
}

func TestNoChangeIsSaid(t *testing.T) {
	t.Parallel()
	d := report.Document{Diff: report.NewDiff(changes(t, "before", "before"), "main", "the working tree", config.FailAny, nil)}
	var b strings.Builder
	if err := report.Write("text", &b, &d, report.Options{}); err != nil || !strings.Contains(b.String(), "no access changed from main to the working tree") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
