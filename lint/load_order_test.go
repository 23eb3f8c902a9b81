package lint_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestLoadOrder holds to the engine what is said to depend on the order of
// loading: fresh loads of the archives with findings decide differently, and
// those of a clean one do not. A load has one chance in ten or so to be in the
// minority, so that many loads of one mind are no accident.
func TestLoadOrder(t *testing.T) {
	const most, clean = 400, 30
	for _, name := range []string{
		"decision-not-deterministic/role-numbers", "decision-not-deterministic/role-parents",
		"decision-not-deterministic/principal-names", "decision-not-deterministic/clean-load-order",
		"mixed-scope-permissions/root", "mixed-scope-permissions/unstable",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(filepath.Join("testdata", filepath.FromSlash(name)+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			fsys := archiveFS(t, ar)
			loads, same := most, strings.Contains(name, "/clean")
			if same {
				loads = clean
			}
			first := accesses(t, fsys)
			for range loads {
				if now := accesses(t, fsys); now != first {
					if same {
						t.Errorf("two loads differ:\n%s\n%s", first, now)
					}
					return
				}
			}
			if !same {
				t.Errorf("%d loads decide alike:\n%s", loads, first)
			}
		})
	}
}

// accesses loads a world afresh and renders its cells.
func accesses(t *testing.T, fsys fs.FS) string {
	t.Helper()
	w, err := load(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for c := range m.All() {
		fmt.Fprintln(&b, c.Class.First().Key, c.Column.Operation, c.Column.Item.Name, c.Access, c.Condition)
	}
	return b.String()
}
