package lint_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
)

// dirFS is the folder of a fixture.
func dirFS(name string) fs.FS { return os.DirFS(filepath.Join("..", "fixtures", name)) }

// toldOf reports whether the README of a fixture has a line in a table about a
// rule.
func toldOf(t *testing.T, name, rule string) bool {
	t.Helper()
	text, err := fs.ReadFile(dirFS(name), "README.md")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), "\n| "+rule+" |")
}

// TestFixtures holds what is found in the fixtures to a golden file each.
func TestFixtures(t *testing.T) {
	for _, name := range []string{"quickstart", "insecure", "fastmcp", "fastmcp2", "fastmcp4", "github", "synapse", "voltagent", "bank"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := findings(t.Context(), dirFS(name))
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "fixtures", name+".txt")
			got := print(list)
			if *update {
				if err := os.WriteFile(golden, got, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			found := map[string]bool{}
			for _, f := range list {
				found[f.Rule] = true
				for _, x := range f.Explains { // with another finding
					found[x.Rule] = true
				}
				if slices.Contains([]string{"quickstart", "fastmcp4", "github", "voltagent", "bank"}, name) && f.Severity >= authz.SeverityWarning {
					t.Errorf("%s is meant to be clean: %s", name, f.Message)
				}
			}
			if name != "insecure" {
				return
			}
			for _, r := range lint.Rules() {
				if told := toldOf(t, name, r.ID); told != found[r.ID] {
					t.Errorf("the README of insecure tells of %s: %t; it is found: %t", r.ID, told, found[r.ID])
				}
			}
		})
	}
}
