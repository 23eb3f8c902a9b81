package workspace_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/workspace"
)

// copied returns the files of a fixture, to be changed.
func copied(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	from := os.DirFS(filepath.Join("..", "fixtures", name))
	err := fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, path)
		files[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// byLock counts the grants that the lock accepts, by the item.
func byLock(t *testing.T, files fs.FS) (accepted, others map[string]int) {
	t.Helper()
	w, err := workspace.Open(t.Context(), files, workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.Review(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	accepted, others = map[string]int{}, map[string]int{}
	for i := range r.Grants {
		g, by := &r.Grants[i], others
		for _, x := range g.Reviewed {
			if x.By == "lock" && strings.HasSuffix(x.Pos.File, ".lock.yaml") && x.Pos.Line > 1 {
				by = accepted
			}
		}
		by[g.Column.Item.Name]++
	}
	return accepted, others
}

// TestReviewedByLock holds that the lock accepts what it says, and nothing of an item of
// which it says something else than there is.
func TestReviewedByLock(t *testing.T) {
	t.Parallel()
	files := copied(t, "fastmcp4")
	accepted, others := byLock(t, files)
	if len(accepted) < 5 || accepted["refund"] == 0 {
		t.Errorf("accepted %v, others %v", accepted, others)
	}
	inventory := ""
	for name, f := range files {
		if strings.HasSuffix(name, ".json") && strings.Contains(string(f.Data), `"refund"`) {
			inventory = name
		}
	}
	text := string(files[inventory].Data)
	i := strings.Index(text, `"refund"`)
	j := strings.Index(text[i:], `"destructiveHint": false`)
	if i < 0 || j < 0 {
		t.Fatalf("%s has no refund with a hint", inventory)
	}
	files[inventory].Data = []byte(text[:i+j] + `"destructiveHint": true` + text[i+j+len(`"destructiveHint": false`):])
	accepted, others = byLock(t, files)
	if accepted["refund"] != 0 || others["refund"] == 0 || len(accepted) < 4 {
		t.Errorf("with another hint: accepted %v, others %v", accepted, others)
	}
}
