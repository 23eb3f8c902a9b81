package testrunner_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/testrunner"
)

// BenchmarkRun runs a suite over 200 tools and 50 principals, each a class of
// its own: every cell is expected to be something, and each principal has 50
// cases with arguments.
func BenchmarkRun(b *testing.B) {
	const tools, people = 200, 50
	var items, principals, cases, tests []string
	for i := range tools {
		items = append(items, fmt.Sprintf(`{"name": "tool_%d", "annotations": {"destructiveHint": %t}}`, i, i%3 == 0))
	}
	for i := range people {
		principals = append(principals, fmt.Sprintf("  p%d: {id: p%d, roles: [R], attr: {n: %d}}\n", i, i, i))
	}
	for i := range people {
		cases = append(cases, fmt.Sprintf("        - {tool: tool_%d, arguments: {n: %d}, expect: deny}\n", i, i+1000))
	}
	tests = append(tests, `
  - {name: lists, principals: {roles: [R]}, list: {exactly: ["*"]}}
  - {name: calls, principals: {}, call: {conditional: ["tool_*"], exactly: ["tool_*"]}}
  - {name: nobody, always: {principals: {}, list: {tools: {destructive: true}}}}
  - name: cases
    principals: {roles: [R]}
    call:
      cases:
`, strings.Join(cases, ""))
	in, err := load(b.Context(), fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [` + strings.Join(items, ", ") + "]}")},
		"principals.yaml": {Data: []byte("principals:\n" + strings.Join(principals, ""))},
		"policies/p.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: [tools/list, "tools/list::*"], effect: EFFECT_ALLOW, roles: [R]}
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [R], condition: {match: {expr: R.attr.arguments.n == P.attr.n}}}
`)},
		"tests/a.yaml": {Data: []byte("name: n\ntests:" + strings.Join(tests, ""))},
	})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		r, err := testrunner.Run(b.Context(), in)
		if err != nil {
			b.Fatal(err)
		}
		counts := r.Counts()
		if counts.Failed > 0 {
			b.Fatalf("%+v", counts)
		}
		n = counts.Passed
	}
	b.ReportMetric(float64(n), "cases")
}
