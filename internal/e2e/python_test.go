//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed requirements-*.txt
var requirements embed.FS

// installTime bounds the installation of some 90 packages.
const installTime = 10 * time.Minute

// installed are the interpreters of the environments that were asked for.
var installed = struct {
	sync.Mutex
	of map[string]func() (string, error)
}{of: map[string]func() (string, error){}}

// python returns the interpreter of an environment (fastmcp2, fastmcp3 or
// fastmcp4), which it installs on first use. The test fails where that cannot
// be done.
func python(t testing.TB, name string) string {
	t.Helper()
	installed.Lock()
	defer installed.Unlock() // one at a time: they share what pip downloads
	if installed.of[name] == nil {
		installed.of[name] = sync.OnceValues(func() (string, error) {
			cache, err := os.UserCacheDir()
			if err != nil {
				return "", err
			}
			return environment(filepath.Join(cache, "mcpolicy"), name)
		})
	}
	path, err := installed.of[name]()
	if err != nil {
		t.Fatalf("set up the Python environment %s: %v", name, err)
	}
	return path
}

// environment returns the interpreter of an environment below cache. One
// whose requirements have changed, or that is of another Python, is another
// one.
func environment(cache, name string) (string, error) {
	file := "requirements-" + name + ".txt"
	pins, err := fs.ReadFile(requirements, file)
	if err != nil {
		return "", err
	}
	version, err := pythonVersion()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(pins, version...))
	folder := filepath.Join(cache, name+"-"+hex.EncodeToString(sum[:4]))
	path := filepath.Join(folder, "bin", "python")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, installPins(folder, file, pins)
}

// installPins fills the folder all at once, so that one who was stopped half
// way leaves none that looks whole. Scripts in it name the folder that they
// were made in, so only its interpreter is of use.
func installPins(folder, file string, pins []byte) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o750); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(folder), "part-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(part) }() // nothing is left of it after the renaming
	if out, err := run("python3", "-m", "venv", part); err != nil {
		return fmt.Errorf("python3 -m venv: %w (some systems have it in a package of its own, python3-venv)\n%s", err, out)
	}
	file = filepath.Join(part, file)
	if err := os.WriteFile(file, pins, 0o600); err != nil {
		return err
	}
	// The file names everything, so nothing is resolved, and nothing is built.
	out, err := run(filepath.Join(part, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
		"--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:", "--retries=2", "-r", file)
	switch {
	case err != nil && unreachable.MatchString(out):
		return fmt.Errorf("pip does not reach its package index: %w\n%s", err, out)
	case err != nil:
		return fmt.Errorf("pip install: %w\n%s", err, out)
	}
	if err := os.Rename(part, folder); err != nil {
		if _, other := os.Stat(folder); other == nil {
			return nil // somebody else was faster
		}
		return err
	}
	return nil
}

// unreachable is what pip prints where its index does not answer, or does not
// let it in.
var unreachable = regexp.MustCompile(`connection broken by|Max retries exceeded|\(from versions: none\)|40[137] Client Error`)

// pythonVersion returns the version of the python3 on the PATH.
func pythonVersion() (string, error) {
	version, err := run("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))")
	version = strings.TrimSpace(version)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", errors.New("python3 is not on the PATH; it takes Python 3.11 or newer")
	case err != nil && regexp.MustCompile(`^\d+\.\d+$`).MatchString(version):
		return "", fmt.Errorf("python3 is Python %s; it takes 3.11 or newer", version)
	case err != nil:
		return "", fmt.Errorf("python3: %w\n%s", err, version)
	}
	return version, nil
}

// run runs a command to its end and returns all that it printed.
func run(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), installTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// TestEnvironment holds that an environment that cannot be had is an error
// that says why, and leaves nothing behind.
func TestEnvironment(t *testing.T) {
	tests := []struct {
		name, want string
		env        map[string]string
	}{
		{"no Python", "python3 is not on the PATH", map[string]string{"PATH": t.TempDir()}},
		{"no index", "pip does not reach its package index", map[string]string{
			"PIP_CONFIG_FILE": os.DevNull, "PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			cache := t.TempDir()
			if _, err := environment(cache, "fastmcp3"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if left, _ := os.ReadDir(cache); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
