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
