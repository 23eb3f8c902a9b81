// Package npm provides what tests need of npm's registry: a package that is pinned
// with the hash that its package-lock.json has, kept in the user's cache.
package npm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A Package is what is pinned.
type Package struct {
	Name       string // of its folder in the cache: cerbos-0.55.0
	JSON, Lock []byte // package.json and package-lock.json
	File       string // that is wanted, below node_modules
}

// An UnavailableError says why this machine cannot have a package.
type UnavailableError struct{ Reason string }

func (e *UnavailableError) Error() string { return e.Reason }

// Path returns the path of the file that is wanted, which it installs on first use.
func (p *Package) Path() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	// A change of what is pinned goes to a folder of its own.
	sum := sha256.Sum256(p.Lock)
	folder := filepath.Join(cache, "mcpolicy", p.Name+"-"+hex.EncodeToString(sum[:4]))
	file := filepath.Join("node_modules", p.File)
	path := filepath.Join(folder, file)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := p.install(folder, file); err != nil {
		return "", err
	}
	return path, nil
}

// Need hands out a path, or skips the test where err says that what is pinned cannot
// be had here. With the variable require set it fails there instead, so that CI cannot
// pass by skipping.
func Need(t testing.TB, what, require, path string, err error) string {
	t.Helper()
	var unavailable *UnavailableError
	switch {
	case errors.As(err, &unavailable) && os.Getenv(require) == "":
		t.Skipf("%s cannot be had here: %v", what, err)
	case err != nil:
		t.Fatalf("install %s: %v", what, err)
	}
	return path
}

// installTime bounds the download of some 40 MB.
const installTime = 5 * time.Minute

// install fills the folder all at once: tests of several packages run side by
// side, and one may be stopped half way.
func (p *Package) install(folder, file string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return &UnavailableError{"npm is not on the PATH"}
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o750); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(folder), "part-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(part) }() // nothing is left of it after the renaming
	for name, data := range map[string][]byte{"package.json": p.JSON, "package-lock.json": p.Lock} {
		if err := os.WriteFile(filepath.Join(part, name), data, 0o600); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), installTime)
	defer cancel()
	// ci installs what the lock file says, checks its hash, and runs nothing.
	cmd := exec.CommandContext(ctx, npm, "ci", "--prefix", part, "--ignore-scripts", "--no-audit", "--no-fund", //nolint:gosec // npm
		"--fetch-retries=1", "--fetch-retry-mintimeout=1000")
	cmd.Dir = part
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if code := npmCode(out.String()); slices.Contains(unreachable, code) || ctx.Err() != nil {
			return &UnavailableError{fmt.Sprintf("npm does not reach its registry (%s)", code)}
		}
		return fmt.Errorf("npm ci: %w\n%s", err, out.String())
	}
	if _, err := os.Stat(filepath.Join(part, file)); err != nil {
		return fmt.Errorf("npm ci: %w", err)
	}
	if err := os.Rename(part, folder); err != nil {
		if _, other := os.Stat(filepath.Join(folder, file)); other == nil {
			return nil // somebody else was faster
		}
		return err
	}
	return nil
}

var npmError = regexp.MustCompile(`(?m)^npm (?:ERR!|error) code (\S+)`)

// npmCode returns the code that npm gave for its failure, or "".
func npmCode(output string) string {
	if m := npmError.FindStringSubmatch(output); m != nil {
		return m[1]
	}
	return ""
}

// unreachable are npm's codes for a registry that it does not reach, or that
// does not let it in.
var unreachable = strings.Fields(`
	ENOTFOUND EAI_AGAIN ECONNREFUSED ECONNRESET ETIMEDOUT EHOSTUNREACH ENETUNREACH EPIPE
	ENOTCACHED ERR_SOCKET_TIMEOUT FETCH_ERROR UNABLE_TO_GET_ISSUER_CERT_LOCALLY SELF_SIGNED_CERT_IN_CHAIN
	E401 E403 E407 E429 E500 E502 E503 E504
`)
