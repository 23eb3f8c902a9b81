//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// bin is the folder of the command, which goes when all tests have run.
var bin string

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "mcpolicy-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(bin) // nothing depends on it
	os.Exit(status)
}

// command builds mcpolicy, once, and returns its path.
var command = sync.OnceValues(func() (string, error) {
	path := filepath.Join(bin, "mcpolicy")
	out, err := run("go", "build", "-o", path, "github.com/mcpolicy/mcpolicy/cmd/mcpolicy")
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// mcpolicy runs the command in the world's folder, with the tokens of all
// principals in its environment. It returns what it printed and its exit
// status.
func (w *world) mcpolicy(t *testing.T, args ...string) (said string, status int) {
	t.Helper()
	path, err := command()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "CI=", "GITHUB_ACTIONS=") // where no token goes on the word of a config
	cmd.Env = append(cmd.Env, tokens(w.keys())...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
