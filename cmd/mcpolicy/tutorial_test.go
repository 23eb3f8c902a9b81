package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/shlex"

	"github.com/mcpolicy/mcpolicy/internal/gittest"
)

// step is a fence of the tutorial: a file with its name, or commands with what they print.
var step = regexp.MustCompile("(?ms)^```(console|[a-z]+ [^\n]+)\n(.*?)^```$")

// shownCommit is how reports name one; it is another in each run.
var shownCommit = regexp.MustCompile(`@ [0-9a-f]{12}\b`)

// TestTutorial writes each file of the tutorial, runs each command, and holds what it prints to what the
// page says. With -update it takes that anew.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	page, err := filepath.Abs(filepath.Join("..", "..", "docs", "tutorial.md"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page) //nolint:gosec // the project's own
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("COLUMNS", "")
	t.Setenv("LC_ALL", "C.UTF-8")
	t.Chdir(t.TempDir())
	ran := 0
	taken := step.ReplaceAllStringFunc(string(text), func(fence string) string {
		m := step.FindStringSubmatch(fence)
		if m[1] != "console" {
			_, name, _ := strings.Cut(m[1], " ")
			if err := os.WriteFile(name, []byte(m[2]), 0o600); err != nil {
				t.Fatal(err)
			}
			return fence
		}
		printed := ""
		for rest := m[2]; rest != ""; {
			line, _, _ := strings.Cut(strings.TrimPrefix(rest, "$ "), "\n")
			_, rest, _ = strings.Cut(rest, "\n")
			if at := strings.Index("\n"+rest, "\n$ "); at >= 0 {
				rest = rest[at:]
			} else {
				rest = ""
			}
			printed += "$ " + line + "\n" + typeIn(t, line)
			ran++
		}
		if printed != m[2] && !*update {
			t.Errorf("the tutorial prints something else (-page +printed):\n%s", cmp.Diff(m[2], printed))
		}
		return "```console\n" + printed + "```"
	})
	if ran < 10 {
		t.Errorf("%d commands were run", ran)
	}
	if *update {
		if err := os.WriteFile(page, []byte(taken), 0o644); err != nil { //nolint:gosec // a page that everybody reads
			t.Fatal(err)
		}
	}
}

// typeIn runs a command line of the tutorial and returns what a terminal would show.
func typeIn(t *testing.T, line string) string {
	t.Helper()
	words, err := shlex.Split(line)
	if err != nil || len(words) == 0 {
		t.Fatalf("%q: %v", line, err)
	}
	switch words[0] {
	case "mcpolicy":
		status, stdout, stderr := runIn(t, words[1:]...)
		shown := shownCommit.ReplaceAllString(duration.ReplaceAllString(stderr+stdout, "21 ms"), "@ 1f3c9a27be04")
		if status != exitOK {
			shown += "status " + string(rune('0'+status)) + "\n"
		}
		return shown
	case "git":
		return gittest.Git(t, ".", words[1:]...)
	case "cp", "rm":
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil { //nolint:gosec // the tutorial's own
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return ""
	}
	t.Fatalf("the tutorial runs %q, which no test does", line)
	return ""
}
