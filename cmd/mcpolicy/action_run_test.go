package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/gittest"
)

// hostileBranch is a name that git takes for a branch, and a shell for more.
const hostileBranch = "x$(touch${IFS}pwned);`touch${IFS}pwned`&&'\"|touch${IFS}pwned"

// pullRequest is a shallow clone of the head of a pull request, from a branch with a
// hostile name, as actions/checkout makes it; base is a commit that it does not have. The
// config is in the folder desk. Edit changes what the pull request holds.
func pullRequest(t *testing.T, edit func(dir string)) (clone, base string) {
	t.Helper()
	origin := t.TempDir()
	gittest.Git(t, origin, "init", "-q", "-b", "main")
	for _, side := range []string{"before", "after"} {
		desk := filepath.Join(origin, "desk")
		if err := os.RemoveAll(desk); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(desk, os.DirFS(filepath.Join("..", "..", "fixtures", "changes", side))); err != nil {
			t.Fatal(err)
		}
		if side == "after" {
			base = gittest.Git(t, origin, "rev-parse", "HEAD")
			gittest.Git(t, origin, "checkout", "-q", "-b", hostileBranch)
			if edit != nil {
				edit(origin)
			}
		}
		gittest.Git(t, origin, "add", "-A")
		gittest.Git(t, origin, "commit", "-qm", "$(touch pwned) ::error::title")
	}
	clone = filepath.Join(t.TempDir(), "a clone")
	gittest.Git(t, origin, "clone", "-q", "--depth=1", "--branch", hostileBranch, "file://"+filepath.ToSlash(origin), clone)
	return clone, base
}

// inert holds that nothing ran that a stranger wrote.
func (r *runner) inert() {
	r.t.Helper()
	for _, dir := range []string{r.clone, r.temp} {
		_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error {
			if filepath.Base(path) == "pwned" {
				r.t.Errorf("%s was made", path)
			}
			return nil
		})
	}
}

func TestActionOnPullRequest(t *testing.T) {
	t.Parallel()
	clone, base := pullRequest(t, nil)
	r := newRunner(t, clone).built()
	r.inputs["directory"], r.inputs["marker"], r.event = "desk", "desk", base
	r.env = []string{"GITHUB_HEAD_REF=" + hostileBranch, "GITHUB_REF_NAME=" + hostileBranch}
	before := gittest.Git(t, clone, "show-ref")
	res := r.run()
	r.inert()
	if res.status != 1 || res.outputs["status"] != "1" {
		t.Fatalf("status %d, output %q:\n%s", res.status, res.outputs["status"], res.log)
	}
	for _, want := range []string{"::error file=desk/", "title=access-widened::", "title=reach-budget::"} {
		if !strings.Contains(res.log, want) {
			t.Errorf("the log does not have %q:\n%s", want, res.log)
		}
	}
	comment := res.text(t, "comment")
	if !strings.HasPrefix(comment, "<!-- mcpolicy desk -->\n## ❌ mcpolicy: access widened beyond the budget") || !strings.Contains(comment, "may now list and call cancel_order") {
		t.Errorf("the comment:\n%s", comment)
	}
	summary, err := os.ReadFile(r.summary)
	if err != nil || string(summary) != comment {
		t.Errorf("the summary (%v):\n%s", err, summary)
	}
	for _, output := range []string{"sarif", "json"} {
		if !json.Valid([]byte(res.text(t, output))) {
			t.Errorf("%s is no JSON", output)
		}
	}
	if after := gittest.Git(t, clone, "show-ref"); after != before {
		t.Errorf("references of the clone changed:\n%s\n%s", before, after)
	}

	// Without a base, as on a push, nothing is compared; a branch is fetched by its name.
	r.event = ""
	if res := r.run(); res.status != 1 || strings.Contains(res.text(t, "comment"), "access widened") {
		t.Errorf("status %d without a base:\n%s", res.status, res.log)
	}
	r.inputs["base"], r.inputs["fail-on"], r.inputs["fail-on-access"] = "main", "off", "never"
	if res := r.run(); res.status != 0 || !strings.Contains(res.text(t, "comment"), "## ⚠️ mcpolicy: access widened beyond the budget\n") {
		t.Errorf("status %d with a branch as base:\n%s", res.status, res.log)
	}
}

// TestActionWithoutAnswer holds that a run that does not complete says so wherever it is read,
// and that no input is more than text.
func TestActionWithoutAnswer(t *testing.T) {
	t.Parallel()
	gone := strings.Repeat("0123456789", 4)
	sameName := func(dir string) {
		base := gittest.Git(t, dir, "rev-parse", "main")
		if err := os.CopyFS(filepath.Join(dir, base), os.DirFS(filepath.Join(dir, "desk"))); err != nil {
			t.Fatal(err)
		}
	}
	broken := func(dir string) {
		text := "\"```\\r::error::pwned\\n## heading @octocat\\n::set-output name=x::y\": 1\nservers: {}\n"
		if err := os.WriteFile(filepath.Join(dir, "desk", "mcpolicy.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name   string
		edit   func(string)
		inputs map[string]string
		status int
		want   string // in the comment
	}{
		{"no such base", nil, map[string]string{"base": gone}, 3, "fetch-depth: 0"},
		{"option as base", nil, map[string]string{"base": "--upload-pack=touch pwned;"}, 3, "is not in this clone"},
		{"refspec as base", nil, map[string]string{"base": "+main:refs/heads/pwned"}, 3, "is not in this clone"},
		{"command as base", nil, map[string]string{"base": "$(touch pwned)`touch pwned`"}, 3, "is not in this clone"},
		{"folder like the base", sameName, nil, 2, "is a folder and a revision"},
		{"bad marker", nil, map[string]string{"marker": "a --> <script>"}, 2, "--marker"},
		{"bad severity", nil, map[string]string{"fail-on": "$(touch pwned)"}, 2, "--fail-on"},
		{"bad access", nil, map[string]string{"fail-on-access": "; touch pwned"}, 2, "--fail-on"},
		{"no folder", nil, map[string]string{"directory": "-C$(touch pwned)"}, 2, ""},
		{"config of a stranger", broken, nil, 2, "mcpolicy.yaml:1:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			clone, base := pullRequest(t, test.edit)
			r := newRunner(t, clone).built()
			r.event, r.inputs = base, map[string]string{"directory": "desk"}
			for name, v := range test.inputs {
				r.inputs[name] = v
			}
			res := r.run()
			r.inert()
			if res.status != test.status || res.outputs["status"] != fmt.Sprint(test.status) || res.outputs["sarif"] != "" || res.outputs["json"] != "" {
				t.Fatalf("status %d, outputs %q:\n%s", res.status, res.outputs, res.log)
			}
			comment := res.text(t, "comment")
			head, said, _ := strings.Cut(comment, "can do what.\n\n")
			if !strings.HasPrefix(head, "<!-- mcpolicy -->\n## ❌ mcpolicy: no answer\n") || !strings.Contains(said, test.want) {
				t.Errorf("the comment:\n%s", comment)
			}
			for line := range strings.Lines(said) {
				if !strings.HasPrefix(line, "    ") {
					t.Errorf("a line of the comment is no code: %q", line)
				}
			}
			if summary, err := os.ReadFile(r.summary); err != nil || string(summary) != comment {
				t.Errorf("the summary (%v):\n%s", err, summary)
			}
			checkCommands(t, res.log)
		})
	}
}

// checkCommands holds that a log gives the runner no command but the action's own.
func checkCommands(t *testing.T, log string) {
	t.Helper()
	stop := regexp.MustCompile(`(?s)::stop-commands::([0-9a-f]{32})\n.*?\n::([0-9a-f]{32})::\n`)
	for _, m := range stop.FindAllStringSubmatch(log, -1) {
		if m[1] != m[2] {
			t.Errorf("commands stay off:\n%s", log)
		}
	}
	for line := range strings.Lines(stop.ReplaceAllString(log, "")) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") && !strings.HasPrefix(line, "::error title=mcpolicy::") {
			t.Errorf("a command to the runner: %s", line)
		}
	}
}

// release is an archive as it is released, which holds the mcpolicy of this test.
func release(t *testing.T) []byte {
	t.Helper()
	script := []byte("#!/bin/sh\nexec mcpolicy \"$@\"\n")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "mcpolicy", Mode: 0o755, Size: int64(len(script))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(script); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestActionInstallsRelease holds that nothing runs that is not what was released.
func TestActionInstallsRelease(t *testing.T) {
	t.Parallel()
	clone, base := pullRequest(t, nil)
	archive := release(t)
	sum := fmt.Sprintf("%x", sha256.Sum256(archive))
	other := strings.Repeat("ab", 32)
	for _, test := range []struct {
		name, version, sha256, listed string
		status                        int // 1 if it runs
		want                          string
	}{
		{"as listed", "v1.2.3", "", sum, 1, ""},
		{"as given", "v1.2.3", strings.ToUpper(sum), other, 1, ""},
		{"not as listed", "v1.2.3", "", other, 2, "it is not what was released, and is not run"},
		{"not as given", "v1.2.3", other, sum, 2, "it is not what was released, and is not run"},
		{"not listed", "v1.2.3", "", "", 2, "there is no SHA-256"},
		{"no checksum", "v1.2.3", "$(touch pwned)", sum, 2, "there is no SHA-256"},
		{"no release", "v9.9.9", "", sum, 2, "there is no mcpolicy_9.9.9_linux_amd64.tar.gz of the release v9.9.9"},
		{"no version", "latest", "", sum, 2, "want a release like v1.2.3"},
		{"a path", "v1.2.3/../../x", "", sum, 2, "want a release like v1.2.3"},
		{"a command", "v1.2.3\n::add-path::/tmp", "", sum, 2, "%0A::add-path::"},
		{"a checksum of no release", "", sum, sum, 2, "no version is given"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRunner(t, clone)
			if err := os.WriteFile(filepath.Join(r.path, "archive"), archive, 0o600); err != nil {
				t.Fatal(err)
			}
			list := "0000  other.tar.gz\n"
			if test.listed != "" {
				list += test.listed + "  mcpolicy_1.2.3_linux_amd64.tar.gz\n"
			}
			if err := os.WriteFile(filepath.Join(r.path, "list"), []byte(list), 0o600); err != nil {
				t.Fatal(err)
			}
			r.shim("go", "exit 9\n")
			r.shim("curl", `here=$(dirname "$0")
for url; do :; done
while [ "$1" != --output ]; do shift; done
case $url in
https://github.com/mcpolicy/mcpolicy/releases/download/v1.2.3/mcpolicy_1.2.3_linux_amd64.tar.gz) cp "$here/archive" "$2" ;;
https://github.com/mcpolicy/mcpolicy/releases/download/v1.2.3/checksums.txt) cp "$here/list" "$2" ;;
*) exit 22 ;;
esac
`)
			r.event = base
			r.inputs = map[string]string{"directory": "desk", "version": test.version, "sha256": test.sha256}
			res := r.run()
			r.inert()
			if res.status != test.status || !strings.Contains(res.log, test.want) {
				t.Errorf("status %d:\n%s", res.status, res.log)
			}
			if test.status == 2 {
				checkCommands(t, res.log)
			}
		})
	}
}
