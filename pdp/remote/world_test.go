package remote_test

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

// open opens the embedded engine over policies.
func open(t testing.TB, policies ...string) *pdp.Engine {
	t.Helper()
	e, err := pdp.Open(t.Context(), os.DirFS(policyDir(t, policies...)), pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// rules wraps rules into a resource policy of the kind that tests use.
func rules(text string) string {
	return "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + text
}

func rule(effect, role, condition string) string {
	s := fmt.Sprintf("    - {actions: [call], effect: EFFECT_%s, roles: [%s]", effect, role)
	if condition != "" {
		s += ", condition: {match: " + condition + "}"
	}
	return s + "}\n"
}
