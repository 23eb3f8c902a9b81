package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/workspace"
)

// TestReplace writes several files or none: a file that has changed since it
// was read, or that is gone, stays as it is, and nothing is left behind.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yaml": "a", "b.yaml": "changed"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	a := &workspace.Correction{File: "p/a.yaml", Name: "a.yaml", Old: []byte("a"), New: []byte("A")}
	b := &workspace.Correction{File: "p/b.yaml", Name: "b.yaml", Old: []byte("b"), New: []byte("B")}
	gone := &workspace.Correction{File: "p/sub/c.yaml", Name: "sub/c.yaml"}
	if err := replace(root, []*workspace.Correction{b, a}); err == nil || !strings.Contains(err.Error(), "p/b.yaml: it has changed") {
		t.Error(err)
	}
	if err := replace(root, []*workspace.Correction{a, gone}); err == nil || !strings.Contains(err.Error(), "p/sub/c.yaml: write: ") {
		t.Error(err)
	}
	for name, want := range map[string]string{"a.yaml": "a", "b.yaml": "changed"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if err := replace(root, []*workspace.Correction{a}); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "a.yaml")); err != nil || string(data) != "A" {
		t.Errorf("a.yaml: %q, %v", data, err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %q, %v", names, err)
	}
}
