//go:build unix

package live_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/live"
)

// A server that ignores the end of its input and SIGTERM is killed, and so is
// the child that it started.
func TestStubborn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	s := dial(t, command(t, "stubborn", file), live.Options{Grace: 200 * time.Millisecond})
	if _, err := s.List(t.Context(), authz.ToolItem); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var server, child int
	if _, err := fmt.Sscan(string(data), &server, &child); err != nil {
		t.Fatal(err)
	}
	if !runs(server) || !runs(child) {
		t.Fatalf("%d and %d do not run", server, child)
	}
	_ = s.Close()
	if runs(server) || runs(child) {
		t.Errorf("%d runs: %v, %d runs: %v", server, runs(server), child, runs(child))
	}
}

// runs reports whether a process runs. One that has ended and that nobody has
// asked about does not.
func runs(pid int) bool {
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		_, rest, _ := strings.Cut(string(stat), ") ")
		return !strings.HasPrefix(rest, "Z")
	}
	return syscall.Kill(pid, 0) == nil
}
