package scaffold_test

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
)

// TestFolder makes a project for each inventory of the folder that MCPOLICY_INVENTORIES names,
// behind the enforcement point that MCPOLICY_POINT does.
func TestFolder(t *testing.T) {
	dir := os.Getenv("MCPOLICY_INVENTORIES")
	if dir == "" {
		t.Skip("MCPOLICY_INVENTORIES names no folder of inventories")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no inventories in %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file) //nolint:gosec // whoever runs the test names the folder
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			made := makeProject(t, optionsAt(t, cmp.Or(os.Getenv("MCPOLICY_POINT"), authz.CerbosFastMCP), filepath.Base(file), data))
			compiles(t, made)
			t.Logf("%v: %d tools, %d inferred, %d cases, %d sentences", time.Since(start).Round(time.Millisecond), made.Tools, made.Inferred, made.Cases, made.Invariants)
		})
	}
}
