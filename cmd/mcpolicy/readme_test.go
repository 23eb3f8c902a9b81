package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/shlex"
)

// console is a picture of a terminal: a command after a dollar sign, and what
// it prints.
var console = regexp.MustCompile("(?s)```console\n\\$ mcpolicy ([^\n]*)\n(.*?)```")

// duration is the one thing that differs between runs.
var duration = regexp.MustCompile(`\d+ ms`)

// TestReadme holds the pictures in the README to what the command prints. With
// -update it takes them anew.
func TestReadme(t *testing.T) {
	root := filepath.Join("..", "..")
	path := filepath.Join(root, "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	t.Setenv("COLUMNS", "")
	t.Setenv("LC_ALL", "C.UTF-8")
	taken := console.ReplaceAllStringFunc(string(readme), func(block string) string {
		m := console.FindStringSubmatch(block)
		args, err := shlex.Split(m[1])
		if err != nil {
			t.Fatal(err)
		}
		_, stdout, stderr := runIn(t, args...)
		if stderr != "" {
			t.Errorf("mcpolicy %s: %s", m[1], stderr)
		}
		printed := duration.ReplaceAllString(stdout, "21 ms")
		if printed != m[2] && !*update {
			t.Errorf("mcpolicy %s (-README +printed):\n%s", m[1], cmp.Diff(m[2], printed))
		}
		return "```console\n$ mcpolicy " + m[1] + "\n" + printed + "```"
	})
	if n := strings.Count(taken, "```console"); n < 5 || n != len(console.FindAllString(taken, -1)) {
		t.Errorf("%d pictures, of which %d were looked at", n, len(console.FindAllString(taken, -1)))
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(taken), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
