package revision_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/internal/gittest"
	"github.com/mcpolicy/mcpolicy/internal/revision"
)

// committed is a repository with some files, and what ls-tree lists of it.
func committed(t *testing.T) (dir, listing string) {
	t.Helper()
	dir = t.TempDir()
	gittest.Git(t, dir, "init", "-q", "-b", "main")
	for name, text := range map[string]string{"a/b/c.txt": "c", "a/d.txt": "", "a/ümlaut\n.txt": "u", "top.txt": "t"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"a/link": "b/c.txt", "a/folder": "b", "a/out": "../top.txt", "a/loop": "loop", "a/b/up": "../d.txt"} {
		gittest.Link(t, to, filepath.Join(dir, name))
	}
	gittest.Git(t, dir, "add", ".")
	gittest.Git(t, dir, "commit", "-qm", "first")
	return dir, gittest.Git(t, dir, "ls-tree", "-r", "-z", "-l", "--full-tree", "HEAD")
}

func tree(t *testing.T, below string) *revision.Tree {
	t.Helper()
	dir, listing := committed(t)
	tr, err := revision.New([]byte(listing), below, func(hash string) ([]byte, error) {
		return []byte(gittest.Git(t, dir, "cat-file", "blob", hash)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestTreeIsAFolder(t *testing.T) {
	t.Parallel()
	// Folders that symbolic links lead to are no folders to TestFS, and a loop cannot be opened.
	if err := fstest.TestFS(tree(t, "a/b"), "c.txt"); err != nil && !strings.Contains(err.Error(), "up") {
		t.Error(err)
	}
	tr := tree(t, "a")
	for name, want := range map[string]string{"b/c.txt": "c", "d.txt": "", "ümlaut\n.txt": "u", "link": "c", "folder/c.txt": "c", "b/up": "", "folder/up": ""} {
		data, err := fs.ReadFile(tr, name)
		if err != nil || string(data) != want {
			t.Errorf("%q: %q, %v", name, data, err)
		}
	}
	for _, name := range []string{"out", "loop", "nothing", "d.txt/x", "../top.txt"} {
		if _, err := fs.ReadFile(tr, name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if to, err := tr.ReadLink("link"); err != nil || to != "b/c.txt" {
		t.Errorf("link leads to %q, %v", to, err)
	}
}

func TestListingsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, listing := range []string{"x", "100644 blob abc 1 no tab", "100644 blob abc 1\t../up\x00", "100644 blob abc 1\ta\x00100644 blob abc 1\ta/b\x00"} {
		if _, err := revision.New([]byte(listing), "", nil); err == nil {
			t.Errorf("%q was taken", listing)
		}
	}
}
