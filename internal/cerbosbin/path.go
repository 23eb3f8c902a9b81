package cerbosbin

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the pinned package
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Version is the version of the binary.
const Version = "0.55.0"

// requireEnv names the variable that makes tests fail where they would skip.
const requireEnv = "MCPOLICY_REQUIRE_CERBOS"

var (
	//go:embed package.json
	packageJSON []byte
	//go:embed package-lock.json
	packageLock []byte
)

// Path returns the path of the binary, which it installs on first use. It skips
// the test where the binary cannot be had; see the package's documentation.
func Path(t testing.TB) string {
	t.Helper()
	path, err := installed()
	var unavailable *unavailableError
	switch {
	case errors.As(err, &unavailable) && os.Getenv(requireEnv) == "":
		t.Skipf("the Cerbos binary cannot be had here: %v", err)
	case err != nil:
		t.Fatalf("install the Cerbos binary: %v", err)
	}
	return path
}

// An unavailableError says why this machine cannot have the binary.
type unavailableError struct{ reason string }

func (e *unavailableError) Error() string { return e.reason }

var installed = sync.OnceValues(func() (string, error) {
	if platform := runtime.GOOS + "/" + runtime.GOARCH; platform != "linux/amd64" {
		return "", &unavailableError{"it is pinned for linux/amd64, not for " + platform}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	// A change of what is pinned goes to a folder of its own.
	sum := sha256.Sum256(packageLock)
	folder := filepath.Join(cache, "mcpolicy", "cerbos-"+Version+"-"+hex.EncodeToString(sum[:4]))
	binary := filepath.Join("node_modules", "@cerbos", "cerbos-linux-x64", "cerbos-linux-x64")
	path := filepath.Join(folder, binary)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := install(folder, binary); err != nil {
		return "", err
	}
	return path, nil
})

// installTime bounds the download of some 40 MB.
const installTime = 5 * time.Minute

// install fills the folder all at once: tests of several packages run side by
// side, and one may be stopped half way.
func install(folder, binary string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return &unavailableError{"npm is not on the PATH"}
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o750); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(folder), "part-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(part) }() // nothing is left of it after the renaming
	for name, data := range map[string][]byte{"package.json": packageJSON, "package-lock.json": packageLock} {
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
			return &unavailableError{fmt.Sprintf("npm does not reach its registry (%s)", code)}
		}
		return fmt.Errorf("npm ci: %w\n%s", err, out.String())
	}
	if _, err := os.Stat(filepath.Join(part, binary)); err != nil {
		return fmt.Errorf("npm ci: %w", err)
	}
	if err := os.Rename(part, folder); err != nil {
		if _, other := os.Stat(filepath.Join(folder, binary)); other == nil {
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
