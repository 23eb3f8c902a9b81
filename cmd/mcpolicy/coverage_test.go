package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/gittest"
)

// TestCoverageSince holds that only what stands on changed lines is counted.
func TestCoverageSince(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const policies = "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" +
		"    - {name: one, actions: ['tools/call::pump'], effect: EFFECT_ALLOW, roles: [hand]}\n" +
		"    - {name: two, actions: ['tools/call::drain'], effect: EFFECT_ALLOW, roles: [hand]}\n"
	put("works/mcpolicy.yaml", "servers: {plant: {manifest: manifest.json}}\npolicies: policies\nprincipals: principals.yaml\ntests: tests\n")
	put("works/manifest.json", `{"tools": [{"name": "pump"}, {"name": "drain"}]}`)
	put("works/principals.yaml", "principals: {ann: {id: ann, roles: [hand]}}\n")
	put("works/policies/p.yaml", policies)
	put("works/tests/s.yaml", "name: s\ntests:\n  - {name: a, principals: [ann], call: {allow: [pump]}}\n")
	gittest.Git(t, dir, "init", "-q", "-b", "trunk")
	gittest.Git(t, dir, "add", ".")
	gittest.Git(t, dir, "commit", "-q", "-m", "first")
	run := func(want int, says string, args ...string) {
		t.Helper()
		status, stdout, stderr := runIn(t, append([]string{"test", "-C", filepath.Join(dir, "works"), "--coverage"}, args...)...)
		if status != want || !strings.Contains(stdout+stderr, says) {
			t.Errorf("%q: status %d, want %d and %q:\n%s%s", args, status, want, says, stdout, stderr)
		}
	}
	run(exitFinding, "rule: 50% covered (1 of 2)", "--min", "rule=100")
	run(exitOK, "rule          nothing to cover", "--changed-since", "HEAD", "--min", "rule=100")
	put("works/policies/p.yaml", strings.Replace(policies, "EFFECT_ALLOW, roles: [hand]}\n", "EFFECT_ALLOW, roles: [hand, foreman]}\n", 1))
	run(exitOK, "1 of 1", "--changed-since", "HEAD", "--min", "rule=100")
	put("works/policies/p.yaml", policies+"    - {name: three, actions: ['tools/call::drain'], effect: EFFECT_DENY, roles: [foreman]}\n    - {name: four, actions: ['tools/list'], effect: EFFECT_ALLOW, roles: [hand]}\n")
	run(exitOK, "2 impossible", "--changed-since", "HEAD")
	put("works/policies/p.yaml", strings.Replace(policies, "tools/call::drain", "tools/call::dr*", 1))
	run(exitFinding, "rule: 0% covered (0 of 1), want 1%", "--changed-since", "trunk", "--min", "rule=1")
	put("works/policies/new.yaml", strings.ReplaceAll(policies, "mcp_server", "other"))
	run(exitFinding, "rule: 0% covered (0 of 1), want 1%", "--changed-since", "trunk", "--min", "rule=1")
	run(exitUsage, `no revision "nowhere"`, "--changed-since", "nowhere")
	run(exitUsage, "no --policies", "--changed-since", "trunk", "--policies", filepath.Join(dir, "works", "policies"))
}
