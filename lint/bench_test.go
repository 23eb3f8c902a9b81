package lint_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/lint"
)

// company is a server of 300 tools, 500 rules about it, and 100 principals of
// whom no two have the same access.
func company(b testing.TB) *world {
	b.Helper()
	const tools, rules, principals = 300, 500, 100
	var manifest, policy, people strings.Builder
	manifest.WriteString(`{"tools": [`)
	for i := range tools {
		fmt.Fprintf(&manifest, "%s\n  {\"name\": \"tool_%d\"}", strings.Repeat(",", min(i, 1)), i)
	}
	manifest.WriteString("\n]}\n")
	policy.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" +
		"    - {actions: [tools/list], effect: EFFECT_ALLOW, roles: [\"*\"]}\n")
	for i := range rules - 1 {
		condition := ""
		if i%5 == 0 {
			condition = ", condition: {match: {expr: R.attr.arguments.region == P.attr.region}}"
		}
		action := fmt.Sprintf("tools/list::tool_%d\", \"tools/call::tool_%d", i%tools, i%tools)
		if i%25 == 0 {
			action = fmt.Sprintf("tools/*::tool_%d*", i%tools)
		}
		fmt.Fprintf(&policy, "    - {actions: [\"%s\"], effect: EFFECT_ALLOW, roles: [role_%d]%s}\n", action, i%(principals+5), condition)
	}
	people.WriteString("principals:\n")
	for i := range principals {
		fmt.Fprintf(&people, "  p%d: {id: p%d, roles: [role_%d], attr: {region: EMEA}}\n", i, i, i)
	}
	w, err := load(b.Context(), fstest.MapFS{
		"manifest.json":     {Data: []byte(manifest.String())},
		"policies/crm.yaml": {Data: []byte(policy.String())},
		"principals.yaml":   {Data: []byte(people.String())},
	})
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// BenchmarkRun compares the whole catalogue with the matrix that it reads.
func BenchmarkRun(b *testing.B) {
	w := company(b)
	in, err := w.input(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("lint", func(b *testing.B) {
		for b.Loop() {
			if _, err := lint.Run(b.Context(), in, lint.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("matrix", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.build(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkInsecure lints a small world with findings of nearly every rule.
func BenchmarkInsecure(b *testing.B) {
	w, err := load(b.Context(), dirFS("insecure"))
	if err != nil {
		b.Fatal(err)
	}
	in, err := w.input(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := lint.Run(b.Context(), in, lint.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestCost holds the catalogue to fewer checks than the matrix takes that it
// reads.
func TestCost(t *testing.T) {
	w := company(t)
	in, err := w.input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	matrix := w.engine.Checks()
	if _, err := lint.Run(t.Context(), in, lint.Options{}); err != nil {
		t.Fatal(err)
	}
	if all := w.engine.Checks() - matrix; all > matrix {
		t.Errorf("lint takes %d checks, the matrix %d", all, matrix)
	}
}
