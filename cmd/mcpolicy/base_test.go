package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/gittest"
)

// TestBaseIsNoFile holds that no file of a checkout stands in for the revision of that name.
func TestBaseIsNoFile(t *testing.T) {
	dir, _ := pullRequest(t, nil)
	t.Chdir(dir)
	gittest.Git(t, dir, "tag", "v1.0")
	gittest.Git(t, dir, "tag", "saved.json")
	gittest.Git(t, dir, "update-ref", "refs/remotes/origin/trunk", "HEAD")
	if status, _, stderr := runIn(t, "diff", "-C", "desk", "--save", "saved.json"); status != exitOK {
		t.Fatal(stderr)
	}
	for _, name := range []string{"v1.0", filepath.Join("origin", "trunk"), "plain"} {
		if err := os.CopyFS(name, os.DirFS("desk")); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		base   string
		status int
		want   string
	}{
		{"saved.json", exitUsage, `saved\.json is a file and a revision: say \./saved\.json for the file`},
		{"./saved.json", exitOK, ``},
		{"v1.0", exitUsage, `v1\.0 is a folder and a revision: say \./v1\.0 for the folder`},
		{"refs/tags/v1.0", exitOK, ``},
		{"origin/trunk", exitUsage, `origin/trunk is a folder and a revision`},
		{"plain", exitOK, ``},
	} {
		for _, args := range [][]string{{"diff", "-C", "desk", test.base}, {"check", "-C", "desk", "--fail-on", "off", "--base", test.base}} {
			status, _, stderr := runIn(t, args...)
			if status != test.status || !regexp.MustCompile(test.want).MatchString(stderr) {
				t.Errorf("%q: status %d: %s", args, status, stderr)
			}
		}
	}
}

// TestBaseIsOfTheRepository holds that a folder of a checkout that has the files of a
// repository does not stand in for the one that it is in: its author would choose the base.
func TestBaseIsOfTheRepository(t *testing.T) {
	dir, base := pullRequest(t, nil)
	gittest.Git(t, dir, "fetch", "-q", "--depth=1", "origin", base)
	gittest.Git(t, dir, "branch", "main", base)
	desk := filepath.Join(dir, "desk")
	args := []string{"check", "-C", desk, "--base", "main"}
	if status, stdout, stderr := runIn(t, args...); status != exitFinding || !regexp.MustCompile(`widened`).MatchString(stdout) {
		t.Fatalf("status %d: %s%s", status, stdout, stderr)
	}
	// The same, but that main is what the author says.
	own := t.TempDir()
	if err := os.CopyFS(own, os.DirFS(desk)); err != nil {
		t.Fatal(err)
	}
	gittest.Git(t, own, "init", "-q", "-b", "main")
	gittest.Git(t, own, "add", "-A")
	gittest.Git(t, own, "commit", "-qm", "base")
	for _, name := range []string{"HEAD", "config", "objects", "refs"} {
		if err := os.Rename(filepath.Join(own, ".git", name), filepath.Join(desk, name)); err != nil {
			t.Fatal(err)
		}
	}
	if status, stdout, stderr := runIn(t, args...); status != exitUsage || stdout != "" || !regexp.MustCompile(`safe\.bareRepository`).MatchString(stderr) {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
}
