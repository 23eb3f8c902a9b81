package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/gittest"
)

// copied copies the files of a folder over those of another.
func copied(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// history is a repository in which svc/desk has no config at first, then that of
// fixtures/changes/before, then that of after, and then policies that do not compile.
func history(t *testing.T) (dir string) {
	t.Helper()
	top := t.TempDir()
	dir = filepath.Join(top, "svc", "desk")
	gittest.Git(t, top, "init", "-q", "-b", "main")
	for _, step := range []struct {
		tag  string
		make func()
	}{
		{"empty", func() {
			if err := os.WriteFile(filepath.Join(top, "README"), []byte("nothing yet\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"before", func() { copied(t, filepath.Join("..", "..", "fixtures", "changes", "before"), dir) }},
		{"after", func() { copied(t, filepath.Join("..", "..", "fixtures", "changes", "after"), dir) }},
		{"broken", func() {
			if err := os.WriteFile(filepath.Join(dir, "policies", "desk.yaml"), []byte("resourcePolicy: [\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		step.make()
		gittest.Git(t, top, "add", "-A")
		gittest.Git(t, top, "commit", "-qm", step.tag)
		gittest.Git(t, top, "tag", step.tag)
	}
	gittest.Git(t, top, "checkout", "-q", "after")
	return dir
}

func TestDiffOfRevisions(t *testing.T) {
	dir := history(t)
	saved := filepath.Join(t.TempDir(), "saved.json")
	if status, _, stderr := runIn(t, "diff", "-C", dir, "--save", saved); status != exitOK {
		t.Fatal(stderr)
	}
	matrix := filepath.Join(t.TempDir(), "matrix.json")
	if status, _, stderr := runIn(t, "matrix", "-C", dir, "--format", "json="+matrix); status != exitOK {
		t.Fatal(stderr)
	}
	for _, test := range []struct {
		args   []string
		status int
		want   string // a regular expression, of what is printed
	}{
		{[]string{"before"}, 1, `assistant, an agent for nia, may now list and call cancel_order`},
		{[]string{"before", "after"}, 1, `only now: \{"amount": 200`},
		{[]string{"after", "before"}, 0, `assistant, an agent for nia, may no longer list and call cancel_order`},
		{[]string{"after"}, 0, `no access changed from after @ [0-9a-f]{12} to the working tree`},
		{[]string{"HEAD~1", "HEAD"}, 1, `9 widened of 24 cells`},
		{[]string{"empty"}, 1, `empty @ [0-9a-f]{12} has no svc/desk/mcpolicy\.yaml, so that everything\s+is\s+new`},
		{[]string{"after", "empty"}, 2, `has no svc/desk/mcpolicy\.yaml`},
		{[]string{"broken"}, 3, `^mcpolicy: at broken @ [0-9a-f]{12}: policies/desk\.yaml:\d+:\d+: `},
		{[]string{"before", "broken"}, 3, `^mcpolicy: at broken @ `},
		{[]string{"nowhere"}, 2, `^mcpolicy: no revision "nowhere" in this repository\n$`},
		{[]string{"--fail-on", "some", "before"}, 2, `--fail-on: want widened, any, never, have "some"`},
		{[]string{"--fail-on", "never", "before"}, 0, `9 widened`},
		{nil, 2, `want mcpolicy diff BASE \[HEAD\], have 0 arguments`},
		{[]string{saved}, 0, `no access changed from`},
		{[]string{saved, "before"}, 0, `may no longer`},
		{[]string{"before", saved}, 1, `cancel_order`},
		{[]string{matrix}, 0, `no access changed from`},
		{[]string{matrix, "before"}, 1, `it is not known whether`},
		{[]string{"before", matrix}, 2, `which does as BASE only`},
	} {
		status, stdout, stderr := runIn(t, append([]string{"diff", "-C", dir}, test.args...)...)
		if status != test.status || !regexp.MustCompile(test.want).MatchString(stdout+stderr) {
			t.Errorf("diff %v: status %d\n%s%s", test.args, status, stdout, stderr)
		}
	}
}

func TestDiffLeavesTheTreeAlone(t *testing.T) {
	dir := history(t)
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	state := func() string { return gittest.Git(t, dir, "status", "--porcelain=v2", "--branch") }
	before := state()
	if status, _, stderr := runIn(t, "diff", "-C", dir, "before", "HEAD"); status != exitFinding {
		t.Fatal(status, stderr)
	}
	if after := state(); before != after {
		t.Errorf("%s\n%s", before, after)
	}
}

func TestShallowClone(t *testing.T) {
	dir := history(t)
	clone := filepath.Join(t.TempDir(), "clone")
	gittest.Git(t, dir, "clone", "-q", "--depth", "1", "--no-tags", "--branch", "after", "file://"+filepath.ToSlash(filepath.Dir(filepath.Dir(dir))), clone)
	for rev, want := range map[string]string{"HEAD~1": "git fetch --deepen", "release": "git fetch --depth=1 origin release:refs/remotes/origin/release"} {
		status, _, stderr := runIn(t, "diff", "-C", filepath.Join(clone, "svc", "desk"), rev)
		if status != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d, %s", rev, status, stderr)
		}
	}
}

func TestCheckAgainstABase(t *testing.T) {
	dir := history(t)
	status, stdout, stderr := runIn(t, "check", "-C", dir, "--base", "before", "--format", "json")
	if status != exitFinding {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	var report struct {
		Diff     struct{ Verdict string }
		Findings []struct {
			Rule, Message string
			Known         bool
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	known, fresh := 0, 0
	for _, f := range report.Findings {
		if f.Known {
			known++
		} else {
			fresh++
		}
	}
	if report.Diff.Verdict != "widened" || fresh == 0 || known == 0 {
		t.Errorf("verdict %s, %d findings known, %d new", report.Diff.Verdict, known, fresh)
	}
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--base", "after"}, 0, "no access of 24 cells changed"},
		{[]string{"--base", "after", "--fail-on-access", "any"}, 0, "no access of 24 cells changed"},
		{[]string{"--base", "before", "--fail-on", "off"}, 1, "over the budget of 0"}, // of the config
		{[]string{"--base", "before", "--fail-on", "off", "--fail-on-access", "never"}, 0, "widened"},
		{[]string{"--base", "broken"}, 3, "at broken @"},
		{[]string{"--base", "nowhere"}, 2, "no revision"},
		{[]string{"--fail-on-access", "any"}, 2, "say --base, too"},
		{[]string{"--base", "before", "--policies", dir}, 2, "--base goes by what the config of each revision names"},
	} {
		status, stdout, stderr := runIn(t, append([]string{"check", "-C", dir}, test.args...)...)
		if status != test.status || !strings.Contains(stdout+stderr, test.want) {
			t.Errorf("check %v: status %d\n%s%s", test.args, status, stdout, stderr)
		}
	}
}
