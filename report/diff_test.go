package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
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

// TestManyItemsSaidOtherwise holds that what is new stands before what many items have otherwise,
// which is one entry that names each of them.
func TestManyItemsSaidOtherwise(t *testing.T) {
	t.Parallel()
	opened := func(tools string) *workspace.Workspace {
		w, err := workspace.Open(t.Context(), fstest.MapFS{
			"mcpolicy.yaml":      {Data: []byte("servers: {mill: {manifest: mill.json}}\npolicies: policies\nprincipals: principals.yaml\n")},
			"mill.json":          {Data: []byte(`{"tools": [` + tools + `]}`)},
			"principals.yaml":    {Data: []byte("principals: {ann: {id: ann, roles: [MILLER]}}\n")},
			"policies/mill.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy: {resource: mcp_server, version: default, rules: [{actions: [\"tools/call::grind\"], effect: EFFECT_ALLOW, roles: [MILLER]}]}\n")},
		}, workspace.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Close)
		return w
	}
	said := func(description string) string {
		var list []string
		for _, name := range []string{"grind", "sift", "weigh", "bag", "store", "sell"} {
			list = append(list, `{"name": "`+name+`", "description": "`+description+`", "annotations": {"readOnlyHint": true}}`)
		}
		return strings.Join(list, ", ")
	}
	r, err := opened(said("Now.")+`, {"name": "burn", "annotations": {"destructiveHint": true}}`).Diff(t.Context(), opened(said("Then.")))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	d := &report.Document{Diff: report.NewDiff(r, "then", "now", config.FailNever, nil)}
	if err := report.Write("text", &got, d, report.Options{}); err != nil {
		t.Fatal(err)
	}
	want := `new       tool burn is new, and destructive
          mill.json:1:494
text      6 tools of mill have another description
          grind, sift, weigh, bag, store, sell
`
	if text, _, _ := strings.Cut(got.String(), "same "); text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
}
