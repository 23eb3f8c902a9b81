package cerbosbin

import (
	_ "embed" // the pinned package
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/npm"
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
	return npm.Need(t, "the Cerbos binary", requireEnv, path, err)
}

var installed = sync.OnceValues(func() (string, error) {
	if platform := runtime.GOOS + "/" + runtime.GOARCH; platform != "linux/amd64" {
		return "", &npm.UnavailableError{Reason: "it is pinned for linux/amd64, not for " + platform}
	}
	pinned := npm.Package{
		Name: "cerbos-" + Version, JSON: packageJSON, Lock: packageLock,
		File: filepath.Join("@cerbos", "cerbos-linux-x64", "cerbos-linux-x64"),
	}
	return pinned.Path()
})
