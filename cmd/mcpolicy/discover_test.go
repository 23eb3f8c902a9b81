package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/mcptest"
)

// TestDiscoverHostile reads servers that answer nonsense, or what they were
// sent: one clear error, the status of a run that could not complete, nothing
// secret anywhere, and the inventory that was there before.
func TestDiscoverHostile(t *testing.T) {
	const token = "token-of-ada-93f0"
	t.Setenv("ADA", token)
	const before = `{"tools": [{"name": "old"}]}`
	tools := func(list ...any) any { return map[string]any{"tools": append([]any{}, list...)} }
	for name, test := range map[string]struct {
		answer any
		status int
		want   string
	}{
		"annotations of a number": {tools(map[string]any{"name": "t", "annotations": 7}), 3, "what the server lists is no inventory: annotations: want a mapping, have 7"},
		"a tool without a name":   {tools(map[string]any{"title": "t"}), 3, "tools/list: page 1: tools[0]: name: want a string, have nothing"},
		"no tools":                {tools(), 3, "the server shows ADA no tools"},
		"the token in an error":   {fmt.Errorf("no %s here", token), 3, `tools/list was answered with error -32000: "no [redacted] here"`},
		"the token in a list":     {tools(map[string]any{"name": "t", "description": "for " + token}), 0, ""},
		"the token in a name":     {tools(map[string]any{"name": "t-" + token}), 3, "name holds a secret that was sent"},
		"a name with escapes":     {tools(map[string]any{"name": "a\x1b[31m\u202e"}), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(mcptest.Wire(func(method string, _ map[string]any) any {
				if method == "tools/list" {
					return test.answer
				}
				return mcptest.ErrMethod
			}))
			defer server.Close()
			out := filepath.Join(t.TempDir(), "out.json")
			if err := os.WriteFile(out, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
			status, stdout, stderr := runIn(t, "discover", "--url", server.URL, "--token-env", "ADA", "-o", out)
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if status != test.status || !strings.Contains(stderr, test.want) {
				t.Errorf("status %d, want %d; %s", status, test.status, stderr)
			}
			if (string(data) == before) != (status != 0) {
				t.Errorf("status %d, and the file is %s", status, data)
			}
			for _, text := range []string{stdout, stderr, string(data)} {
				if strings.ContainsAny(text, "\x1b\u202e") || strings.Contains(text, token) {
					t.Errorf("in the clear: %q", text)
				}
			}
		})
	}
}
