// Package gittest runs git in the repositories of tests, without anybody's settings.
package gittest

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// Git runs git in a folder and returns what it prints, without the last line end. Whatever
// goes wrong, that there is no git included, fails the test.
func Git(tb testing.TB, dir string, args ...string) string {
	tb.Helper()
	own := []string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false", "-C", dir}
	cmd := exec.CommandContext(tb.Context(), "git", append(own, args...)...) //nolint:gosec // a test's
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("git %q: %v\n%s%s", args, err, out, &stderr)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// Link makes a symbolic link, or skips the test where that takes a right that not everybody
// has, which is Windows.
func Link(tb testing.TB, to, name string) {
	tb.Helper()
	err := os.Symlink(to, name)
	switch {
	case err == nil:
	case runtime.GOOS == "windows":
		tb.Skip(err)
	default:
		tb.Fatal(err)
	}
}
