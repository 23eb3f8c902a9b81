// Package pdptest has what tests of both engines need, the embedded one and a PDP.
package pdptest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// Folder writes policies into a folder: a text that begins with "// NAME" is the file
// of that name.
func Folder(t testing.TB, policies ...string) string {
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

// Dial connects in plaintext.
func Dial(t testing.TB, addr string, options remote.Options) *remote.PDP {
	t.Helper()
	options.Plaintext = true
	r, err := remote.Dial(t.Context(), addr, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// Decide decides requests, all of which have to have an answer.
func Decide(t testing.TB, d pdp.Decider, requests []authz.Request) []authz.Decision {
	t.Helper()
	decisions, err := d.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	return decisions
}

// Rules wraps rules into a resource policy of the kind that tests use.
func Rules(text string) string {
	return "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + text
}

// Rule is a rule about the action call, on a condition unless that is empty.
func Rule(effect, role, condition string) string {
	s := fmt.Sprintf("    - {actions: [call], effect: EFFECT_%s, roles: [%s]", effect, role)
	if condition != "" {
		s += ", condition: {match: " + condition + "}"
	}
	return s + "}\n"
}
