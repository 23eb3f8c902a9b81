package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// requireTrace names the variable that makes the test of silence fail where
// strace is missing, which CI may not pass over.
const requireTrace = "MCPOLICY_REQUIRE_STRACE"

var (
	// A socket of the system's own, which leads nowhere else, is what the Go
	// runtime may use; all others are contacts.
	contact = regexp.MustCompile(`\b(?:socket|connect|sendto|sendmsg|bind|listen)\(`)
	local   = regexp.MustCompile(`AF_(?:UNIX|LOCAL|UNSPEC)`)
	opened  = regexp.MustCompile(`\bopen(?:at2?)?\((?:AT_FDCWD|\d+)(?:<[^>]*>)?, "([^"]*)"`)
)

// systemFiles is what a process on Linux reads of its own accord. A library that
// the engine makes identifiers with reads the machine's.
var systemFiles = []string{"/proc/", "/sys/", "/dev/null", "/etc/machine-id", "/etc/ld.so.", "/lib", "/usr/lib", "/usr/share/zoneinfo", "/etc/localtime", "/usr/local/go/lib/time"}

// TestSilence follows what the commands open and contact, over policies whose
// schemas would have them do either.
func TestSilence(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil && os.Getenv(requireTrace) == "" {
		t.Skip("strace is not installed")
	} else if err != nil {
		t.Fatal(err)
	}
	worlds := map[string]string{"clean": `{"type": "object"}`}
	for name, schema := range leadingOut {
		worlds[name] = schema
	}
	commands := [][]string{
		{"check"},
		{"matrix"},
		{"lint"},
		{"test"},
		{"explain", "ian", "greet"},
		{"who-can", "call", "greet"},
	}
	for name, schema := range worlds {
		for _, args := range commands {
			if name != "clean" && args[0] != "check" && name != "a file" {
				continue // they load the same way
			}
			t.Run(name+"/"+args[0], func(t *testing.T) {
				t.Parallel()
				dir := writeWorld(t, map[string]string{
					"policies/p.yaml": withSchema, "policies/_schemas/a.json": schema,
					"mcpolicy.yaml": good["mcpolicy.yaml"] + "engine: {schemaEnforcement: reject}\n",
				})
				for _, call := range traced(t, strace, dir, args) {
					if contact.MatchString(call) && !local.MatchString(call) {
						t.Errorf("a contact: %s", call)
					}
					if m := opened.FindStringSubmatch(call); m != nil && !named(m[1], dir) {
						t.Errorf("a file that nobody named: %s", call)
					}
				}
			})
		}
	}
}

// named reports whether a path is one below the folder, or the system's.
func named(path, dir string) bool {
	if filepath.Base(path) == "mcpolicy" { // the command itself
		return true
	}
	if !filepath.IsAbs(path) {
		return !strings.Contains(path, "..") // below a folder that is open already
	}
	for _, prefix := range append(systemFiles, dir) {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// traced runs the command and returns the system calls that open or contact.
func traced(t *testing.T, strace, dir string, args []string) []string {
	t.Helper()
	log := filepath.Join(t.TempDir(), "calls")
	cmd := exec.CommandContext(t.Context(), strace, append([]string{"-f", "-qq", "-o", log, "-e", "trace=network,open,openat,openat2", "mcpolicy"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(string(text), "\n")
	if !strings.Contains(string(text), `"mcpolicy.yaml"`) && !strings.Contains(string(text), "/mcpolicy.yaml") {
		t.Fatalf("strace saw nothing of the command:\n%.600s\n%.600s", out, text)
	}
	return calls
}
