//go:build unix

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestForeign says whose files are the user's.
func TestForeign(t *testing.T) {
	for _, tt := range []struct {
		owner, user int
		sudo        string
		want        bool
	}{
		{1000, 1000, "", false},
		{0, 1000, "", false},
		{1001, 1000, "", true},
		{1001, 1000, "1001", true},
		{1000, 0, "", true},
		{1000, 0, "1000", false},
		{1001, 0, "1000", true},
		{0, 0, "", false},
		{1000, 0, "x", true},
	} {
		if got := foreign(tt.owner, tt.user, tt.sudo); got != tt.want {
			t.Errorf("a file of %d for %d, called by %q: foreign is %t, want %t", tt.owner, tt.user, tt.sudo, got, tt.want)
		}
	}
}

const stranger = 54321

// requireRoot names the variable with which nothing that takes root's rights is skipped.
const requireRoot = "MCPOLICY_REQUIRE_ROOT"

// without skips a test that lacks something, unless that is required.
func without(t *testing.T, what any) {
	t.Helper()
	if os.Getenv(requireRoot) != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func giveAway(t *testing.T, names ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		without(t, "only root may give files away")
	}
	t.Setenv("SUDO_UID", "")
	for _, name := range names {
		if err := os.Lchown(name, stranger, stranger); err != nil {
			without(t, err)
		}
	}
}

// TestConfigOfAStranger holds that a config in a folder above is not used if that
// or the folder is somebody else's, and that it can be named.
func TestConfigOfAStranger(t *testing.T) {
	for _, foreign := range []string{".", "mcpolicy.yaml"} {
		dir := writeWorld(t, nil)
		below := filepath.Join(dir, "a", "b")
		if err := os.MkdirAll(below, 0o755); err != nil {
			t.Fatal(err)
		}
		giveAway(t, filepath.Join(dir, foreign))
		for _, args := range [][]string{
			{"check", "-C", below},
			{"waive", "rule-untested", "--reason", "x", "--force", "-C", below},
			{"explain", "ian", "greet", "-C", below},
			{"discover", "--server", "crm", "-C", below},
			{"probe", "-C", below},
		} {
			status, stdout, stderr := runIn(t, args...)
			if status != exitUsage || stdout != "" || !strings.Contains(stderr, "belongs to another user, so the config in this folder above is not used; if it is meant, say -C "+dir+" or --config "+dir) {
				t.Errorf("%s of a stranger, %v: status %d\n%s%s", foreign, args, status, stdout, stderr)
			}
		}
		for _, args := range [][]string{{"-C", dir}, {"--config", filepath.Join(dir, "mcpolicy.yaml")}} {
			if status, _, stderr := runIn(t, append([]string{"check", "--fail-on", "off"}, args...)...); status != exitOK {
				t.Errorf("%v: status %d\n%s", args, status, stderr)
			}
		}
	}
}

// TestReplaceKeepsOwner holds that a file stays that of its owner.
func TestReplaceKeepsOwner(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.json")
	put(t, name, "before")
	giveAway(t, name)
	if err := replaceFile(name, func(w io.Writer) error { _, err := io.WriteString(w, "after"); return err }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != stranger || stat.Gid != stranger { //nolint:errcheck,forcetypeassert // it is unix
		t.Errorf("the file is that of %d:%d", stat.Uid, stat.Gid)
	}
}

// TestReadOnly holds that somebody who may not write a file, or a folder, is told
// so, and that nothing changes.
func TestReadOnly(t *testing.T) {
	dir := writeWorld(t, map[string]string{"out/old.json": "old", "closed/old.json": "old"})
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		without(t, err)
	}
	binary := filepath.Join(dir, "mcpolicy")
	if err := os.WriteFile(binary, self, 0o755); err != nil {
		t.Fatal(err)
	}
	for name := filepath.Dir(dir); name != os.TempDir(); name = filepath.Dir(name) {
		if err := os.Chmod(name, 0o755); err != nil {
			without(t, err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "out"), 0o777); err != nil {
		t.Fatal(err)
	}
	giveAway(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"matrix", "--format", "json=out/old.json"}, "mcpolicy: write out/old.json: permission denied\n"},
		{[]string{"matrix", "--format", "json=closed/new.json"}, "mcpolicy: write closed/new.json: permission denied\n"},
		{[]string{"waive", "rule-untested", "--reason", "x", "--force"}, "mcpolicy: " + dir + "/mcpolicy.yaml: permission denied\n"},
	} {
		cmd := exec.CommandContext(t.Context(), binary, tt.args...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		err := cmd.Run()
		if stderr.String() != tt.want || err == nil {
			t.Errorf("%v: %v\n%s", tt.args, err, stderr.String())
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "out", "old.json")); err != nil || string(data) != "old" {
		t.Errorf("the file has %q, %v", data, err)
	}
	if list, err := os.ReadDir(filepath.Join(dir, "out")); err != nil || len(list) != 1 {
		t.Errorf("the folder has %v, %v", list, err)
	}
}
