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

// example is a file of an example: its name stands behind the language.
var example = regexp.MustCompile("(?s)```[a-z]+ (bank/[^\n]*)\n(.*?)```")

// bank writes the files of the README's example and returns their folder.
func bank(t *testing.T, readme string) string {
	t.Helper()
	dir := t.TempDir()
	files := example.FindAllStringSubmatch(readme, -1)
	if len(files) < 7 {
		t.Fatalf("%d files of the example", len(files))
	}
	for _, m := range files {
		file := filepath.Join(dir, filepath.FromSlash(m[1]))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "bank")
}

// TestReadmeExample runs what the README's example has besides what its pictures
// show: other selectors, and principals in a table.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := bank(t, string(readme))
	for _, principals := range []string{"principals.yaml", "people.csv"} {
		status, stdout, stderr := runIn(t, "check", "-C", dir, "--principals", filepath.Join(dir, principals))
		if status != exitOK || stderr != "" || !strings.Contains(stdout, "19 passed, 1 skipped") {
			t.Errorf("%s: status %d, %s%s", principals, status, stdout, stderr)
		}
	}
}

// duration is the one thing that differs between runs.
var duration = regexp.MustCompile(`\d+ ms|\d+\.\d+ s\b`)

// TestReadme holds the pictures in the README to what the command prints. With
// -update it takes them anew.
func TestReadme(t *testing.T) {
	root := filepath.Join("..", "..")
	path := filepath.Join(root, "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := bank(t, string(readme))
	for _, later := range []string{"selectors.yaml", "limits.yaml", "transfers.yaml", "groups.yaml"} { // they come after the picture
		if err := os.Remove(filepath.Join(dir, "tests", later)); err != nil {
			t.Fatal(err)
		}
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
		for i := range args {
			if args[i] == "bank" {
				args[i] = dir
			}
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
