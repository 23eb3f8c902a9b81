package testrunner_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata")

// TestRun runs the suites of each archive in testdata, in the world that the
// archive describes, and compares the cases or the mistakes.
func TestRun(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, ar)
			i := slices.IndexFunc(ar.Files, func(f txtar.File) bool { return f.Name == "want" })
			if i < 0 {
				t.Fatal("the archive has no want")
			}
			if *update {
				ar.Files[i].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(ar), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(ar.Files[i].Data), got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func run(t *testing.T, ar *txtar.Archive) string {
	t.Helper()
	fsys, err := txtar.FS(ar)
	if err != nil {
		t.Fatal(err)
	}
	in, err := load(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	in.Checked = checked(t, fsys, in.Matrix.Decider())
	r, err := testrunner.Run(t.Context(), in)
	if err != nil {
		var b strings.Builder
		for _, m := range source.Mistakes(err) {
			fmt.Fprintln(&b, m)
		}
		return b.String()
	}
	holdSent(t, in, r)
	explainChecks(t, in, r)
	return describe(r)
}

// checked runs the suites of Cerbos's own beside the policies.
func checked(t *testing.T, fsys fs.FS, d pdp.Decider) []*testrunner.SuiteResult {
	t.Helper()
	policies, err := fs.Sub(fsys, "policies")
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.(*embedded.Engine).Verify(t.Context(), policies, pdp.VerifyOptions{Prefix: "policies"})
	if err != nil {
		t.Fatal(err)
	}
	return testrunner.Checked(list)
}

// explainChecks has cases of Cerbos suites that were decided say how.
func explainChecks(t *testing.T, in *testrunner.Input, r *testrunner.Result) {
	t.Helper()
	var cases []*testrunner.Case
	for _, s := range r.Suites {
		for _, c := range s.Cases {
			if c.Check != nil && c.Got != "" {
				cases = append(cases, c)
			}
		}
	}
	if err := testrunner.ExplainChecks(t.Context(), in.Matrix, in.Matrix.Decider(), cases); err != nil {
		t.Fatal(err)
	}
}
