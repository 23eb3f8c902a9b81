package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// elapsed is the one thing that differs from run to run.
var elapsed = regexp.MustCompile(` in (\d+ ms|[0-9.]+ s)`)

// TestSameWhateverTheOrder holds what is said to be the same, byte for byte,
// on any number of cores and in any order of the principals. Only the matrix
// as text and Markdown has its columns in the order of the file.
func TestSameWhateverTheOrder(t *testing.T) {
	var tools, rules []string
	for i := range 30 {
		tools = append(tools, fmt.Sprintf(`{"name": "tool_%d", "inputSchema": {"type": "object", "properties": {"region": {"type": "string"}, "n": {"type": "number"}}}}`, i))
		condition := ""
		if i%3 == 0 {
			condition = ", condition: {match: {any: {of: [{expr: R.attr.arguments.region == P.attr.region}, {expr: R.attr.arguments.n < 3}, {expr: P.attr.lead}]}}}"
		}
		rules = append(rules, fmt.Sprintf("    - {actions: ['tools/list::tool_%d', 'tools/call::tool_%d'], effect: EFFECT_ALLOW, roles: [role_%d]%s}", i, i, i%4, condition))
	}
	files := map[string]string{
		"manifest.json": `{"tools": [` + strings.Join(tools, ",\n") + `]}`,
		"policies/p.yaml": "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n    - {actions: [tools/list], effect: EFFECT_ALLOW, roles: ['*']}\n" +
			"    - {actions: ['tools/call::tool_1'], effect: EFFECT_DENY, roles: ['*'], condition: {match: {expr: R.attr.arguments.n > 9}}}\n" + strings.Join(rules, "\n") + "\n",
		"tests/t.yaml":  "name: s\nserver: s\ntests:\n  - name: all\n    principals: {roles: [role_1]}\n    call: {deny: [tool_1, tool_0], cases: [{tool: tool_3, arguments: {region: r1}, expect: allow}]}\n",
		"mcpolicy.yaml": "servers: {s: {manifest: manifest.json}}\npolicies: policies\nprincipals: p.jsonl\ntests: tests\n",
	}
	var people []string
	for i := range 60 {
		people = append(people, fmt.Sprintf(`{"id": "p%02d", "roles": ["role_%d", "role_%d"], "kind": %q, "attr": {"region": "r%d", "lead": %t}}`,
			i, i%4, 4+i%2, []string{"human", "agent"}[i%2], i%5, i%7 == 0))
	}
	commands := [][]string{
		{"matrix", "--format", "json"},
		{"matrix", "--format", "json", "--by-class"},
		{"matrix", "--format", "lines", "--only", "conditional"},
		{"matrix", "--summary"},
		{"matrix", "--summary", "--format", "json"},
		{"lint"},
		{"lint", "--format", "json"},
		{"test", "--format", "json"},
		{"check", "--format", "json"},
	}
	if testing.Short() {
		commands = commands[len(commands)-1:] // check does all of it
	}
	first := make([]string, len(commands))
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for round, cores := range []int{1, 2, 16} {
		runtime.GOMAXPROCS(cores)
		files["p.jsonl"] = strings.Join(people, "\n")
		dir := writeWorld(t, files)
		for i, c := range commands {
			code, out, errs := runIn(t, append(c, "-C", dir, "--now", "2026-07-01T00:00:00Z")...)
			if code > exitFinding {
				t.Fatalf("%v: exit status %d: %s", c, code, errs)
			}
			out = strings.ReplaceAll(elapsed.ReplaceAllString(out, ""), "/"+filepath.Base(dir)+"/", "/world/")
			if round == 0 {
				first[i] = out
			} else if diff := cmp.Diff(first[i], out); diff != "" {
				t.Errorf("%v with %d workers and another order (-before +after):\n%s", c, cores, diff)
			}
		}
		rand.New(rand.NewPCG(1, uint64(cores))).Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] }) //nolint:gosec // any order will do
	}
}
