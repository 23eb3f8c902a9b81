package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// uses is an action, and what it is pinned to.
var uses = regexp.MustCompile(`(?m)\buses: ([^@\s]+)@(\S+)`)

// TestSnippetsOfCI holds that what the pages about CI say to paste is YAML, asks for no
// more permissions than reading and commenting, and pins actions to commits: those of others
// to one that is told, this project's to the one of a release that is still to be made.
func TestSnippetsOfCI(t *testing.T) {
	fence := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	for _, page := range []string{".github/actions/check/README.md", "docs/pull-requests.md", "docs/live.md", "README.md", "docs/gitlab.md", "docs/pre-commit.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(page))) //nolint:gosec // the project's own
		if err != nil {
			t.Fatal(err)
		}
		snippets := fence.FindAllStringSubmatch(string(text), -1)
		if len(snippets) < 3 {
			t.Errorf("%s has %d snippets", page, len(snippets))
		}
		for _, m := range snippets {
			var any yaml.Node
			if err := yaml.NewDecoder(strings.NewReader(m[1])).Decode(&any); err != nil && !errors.Is(err, io.EOF) {
				t.Errorf("%s: %v in\n%s", page, err, m[1])
			}
			if regexp.MustCompile(`(?m)^\s+(contents|actions|id-token|packages): write`).MatchString(m[1]) || strings.Contains(m[1], "pull_request_target") {
				t.Errorf("%s asks for too much:\n%s", page, m[1])
			}
			for _, u := range uses.FindAllStringSubmatch(m[1], -1) {
				if own := strings.HasPrefix(u[1], "mcpolicy/"); own && u[2] != "COMMIT" || !own && !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(u[2]) {
					t.Errorf("%s: %s is not pinned", page, u[0])
				}
			}
		}
	}
}
