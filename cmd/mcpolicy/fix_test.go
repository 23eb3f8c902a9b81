package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

// corrigible copies the quickstart and loads it.
func corrigible(t *testing.T) (*workspace, *os.Root) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "fixtures", "quickstart"))); err != nil {
		t.Fatal(err)
	}
	in := &input{dir: dir, stderr: func() io.Writer { return io.Discard }}
	w, err := in.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	root, err := w.policyRoot(in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return w, root
}

// TestTryOut holds that policies which no longer load are found out before
// anything is written: what is no YAML, no policy, and what only the compiler
// refuses.
func TestTryOut(t *testing.T) {
	w, _ := corrigible(t)
	policies := w.policies.Policies
	file := strings.TrimPrefix(policies[0].File, w.options.Prefix+"/")
	good, err := os.ReadFile(filepath.Join(w.folder.dir, policies[0].File))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"YAML": "a: [", "policy": "a: 1\n", "compiler": "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: x\n  version: default\n  importDerivedRoles: [none]\n",
	} {
		_, err := w.tryOut(t.Context(), []*correction{{name: file, new: []byte(text)}})
		if err == nil || !strings.HasPrefix(err.Error(), "nothing is fixed: ") || !strings.Contains(err.Error(), policies[0].File) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.tryOut(t.Context(), []*correction{{name: file, new: good}}); err != nil {
		t.Error(err)
	}
}

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
	a := &correction{file: "p/a.yaml", name: "a.yaml", old: []byte("a"), new: []byte("A"), mode: 0o600}
	b := &correction{file: "p/b.yaml", name: "b.yaml", old: []byte("b"), new: []byte("B"), mode: 0o600}
	gone := &correction{file: "p/sub/c.yaml", name: "sub/c.yaml", mode: 0o600}
	if err := replace(root, []*correction{b, a}); err == nil || !strings.Contains(err.Error(), "p/b.yaml: it has changed") {
		t.Error(err)
	}
	if err := replace(root, []*correction{a, gone}); err == nil || !strings.Contains(err.Error(), "p/sub/c.yaml: write: ") {
		t.Error(err)
	}
	for name, want := range map[string]string{"a.yaml": "a", "b.yaml": "changed"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if err := replace(root, []*correction{a}); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "a.yaml")); err != nil || string(data) != "A" {
		t.Errorf("a.yaml: %q, %v", data, err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %q, %v", names, err)
	}
}

// TestCorrections holds edits to the policies: files elsewhere are refused, and
// waived findings are left alone.
func TestCorrections(t *testing.T) {
	w, root := corrigible(t)
	at := func(file string) []fix.Edit {
		return []fix.Edit{{Pos: source.Pos{File: file, Line: 1, Col: 1}, Old: "apiVersion", New: "x"}}
	}
	list := w.proposals([]lint.Finding{
		{Rule: "r", Edits: at("principals.yaml")},
		{Rule: "r", Edits: at(w.options.Prefix + "/../principals.yaml")},
		{Rule: "r", Edits: at(w.options.Prefix + "/none.yaml")},
		{Rule: "r", Edits: at(w.policies.Policies[0].File), Waived: true},
	})
	made, refused := corrections(root, w.options.Prefix, list)
	if len(made) > 0 || len(list) != 3 || len(refused) != 3 {
		t.Errorf("%d corrections of %d, %v", len(made), len(list), refused)
	}
}
