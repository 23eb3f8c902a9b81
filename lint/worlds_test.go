package lint_test

import (
	"io/fs"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/lint"
)

// eachWorld runs a test on the insecure fixture, and for each rule on a world of
// its own, the first of those that are seeded with its defect. A new rule brings
// its world along and disturbs no other.
func eachWorld(t *testing.T, test func(t *testing.T, w *world, rule string)) {
	t.Helper()
	folders := map[string]fs.FS{"": dirFS("insecure")}
	for _, id := range lint.IDs() {
		files, err := filepath.Glob(filepath.Join("testdata", "seeded", id+"-*.txtar"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no world is seeded with it: %v", id, err)
			continue
		}
		ar, err := txtar.ParseFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		folders[id] = archiveFS(t, ar)
	}
	for id, folder := range folders {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			w, err := load(t.Context(), folder)
			if err != nil {
				t.Fatal(err)
			}
			test(t, w, id)
		})
	}
}
