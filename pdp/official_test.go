package pdp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// serve starts a PDP over a directory.
func serve(t testing.TB, dir string, conf map[string]any) string {
	t.Helper()
	return cerbosbin.Serve(t, dir, conf)
}

// policyDir writes policies into a directory, as open takes them.
func policyDir(t testing.TB, policies ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, p := range policies {
		name := fmt.Sprintf("p%d.yaml", i)
		if rest, ok := strings.CutPrefix(p, "// "); ok {
			name, p, _ = strings.Cut(rest, "\n")
		}
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(p), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// dial connects in plaintext.
func dial(t testing.TB, addr string, options remote.Options) *remote.PDP {
	t.Helper()
	options.Plaintext = true
	r, err := remote.Dial(t.Context(), addr, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func decide(t testing.TB, d pdp.Decider, requests []authz.Request) []authz.Decision {
	t.Helper()
	decisions, err := d.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	return decisions
}
