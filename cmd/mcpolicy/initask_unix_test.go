//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInitAsks holds that init asks in a terminal for what no flag says, and goes by the answers.
func TestInitAsks(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tools.json"), []byte(`{"tools": [{"name": "get_page", "annotations": {"readOnlyHint": true}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w := atTerminal(t, dir, exec.CommandContext(t.Context(), "mcpolicy", "init", "-C", "wiki", "--role", "agent=BOT"))
	for _, x := range []struct{ question, answer string }{
		{"the server: a file with its inventory, or the URL where it runs: ", "tools.json"},
		{"what stands in front of it (cerbos-fastmcp, coaz, tool-as-action, tool-as-resource, voltagent, custom) [cerbos-fastmcp]: ", "nothing"},
		{"that is none of them", ""},
		{"the kind of resource that it asks about [mcp_server]: ", "mcp:wiki"},
		{"what the role reader is called [reader]: ", "STAFF"},
		{"what the role editor is called [editor]: ", ""},
		{"what the role administrator is called [administrator]: ", ""},
	} {
		w.until(x.question, func(text string) bool { return strings.Contains(text, x.question) })
		w.press(x.answer + "\r")
	}
	w.until("the end", func(text string) bool { return strings.Contains(text, "next: mcpolicy matrix -C wiki") })
	policy, err := os.ReadFile(filepath.Join(dir, "wiki", "policies", "mcp_wiki.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"resource: 'mcp:wiki'", "roles: [STAFF, editor, administrator]"} {
		if !strings.Contains(string(policy), want) {
			t.Errorf("no %q in\n%s", want, policy)
		}
	}
}
