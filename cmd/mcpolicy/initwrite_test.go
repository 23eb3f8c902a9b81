package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mcpolicy/mcpolicy/scaffold"
)

// TestWriteAllOrNone has the last of several files fail: what was there is there again, as it
// was, and nothing else is.
func TestWriteAllOrNone(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "mcpolicy.yaml")
	if err := os.WriteFile(name, []byte("before"), 0o640); err != nil {
		t.Fatal(err)
	}
	files := []scaffold.File{{Name: "mcpolicy.yaml", Data: []byte("after")}, {Name: "policies/p.yaml", Data: []byte("new")}}
	look := func(want string, entries int) {
		t.Helper()
		got, err := os.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("the file has %q, %v, want %q", got, err, want)
		}
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, %v", info, err)
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != entries {
			t.Errorf("the folder has %v, %v", list, err)
		}
	}
	to := &destination{dir: dir, force: true}
	if err := to.write(append(files, files[1])); err == nil { // its place is taken by then
		t.Error("two files of one name are written")
	}
	look("before", 1)
	if err := to.write(files); err != nil {
		t.Fatal(err)
	}
	look("after", 2)
}
