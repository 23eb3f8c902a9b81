package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCollections holds what a run costs in collections of garbage, which does not
// depend on the machine: there is one for each table that the engine loads, and none
// besides. A change that does with fewer tables lowers the figure. The conditions that a suite
// expects are compared in a table of their own.
func TestCollections(t *testing.T) {
	quickstart, err := filepath.Abs(filepath.Join("..", "..", "fixtures", "quickstart"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args        []string
		all, forced int
	}{
		{args: []string{"--version"}},
		{args: []string{"matrix", "-C", quickstart}, all: 3, forced: 3},
		{args: []string{"check", "-C", quickstart, "--tests", filepath.Join(quickstart, "tests", "tools.yaml")}, all: 6, forced: 6},
	} {
		cmd := exec.CommandContext(t.Context(), "mcpolicy", tt.args...)
		cmd.Env = append(os.Environ(), "GODEBUG=gctrace=1")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v\n%s", tt.args, err, &stderr)
		}
		all, forced := 0, 0
		for line := range strings.Lines(stderr.String()) {
			if strings.HasPrefix(line, "gc ") {
				all++
				forced += strings.Count(line, "(forced)")
			}
		}
		if all > tt.all || forced > tt.forced {
			t.Errorf("%v: %d collections, %d of them forced; want at most %d and %d", tt.args, all, forced, tt.all, tt.forced)
		}
	}
}
