package prove_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A size is that of a world of one tool in which rules allow it to roles on conditions.
type size struct{ roles, rules, leaves, named int }

// world writes the policies: rules take the roles in turn, and each asks for as many
// arguments as it has leaves; the first asks besides for some roles by name.
func (s size) world() fstest.MapFS {
	var rules, properties []string
	for i := range s.leaves {
		properties = append(properties, fmt.Sprintf(`"n%d": {"type": "integer"}`, i))
	}
	for i := range s.rules {
		var parts []string
		for k := range s.leaves {
			parts = append(parts, fmt.Sprintf("R.attr.arguments.n%d < %d", k, 10+i+k))
		}
		if i == 0 {
			for k := range s.named {
				parts = append(parts, fmt.Sprintf(`!("role%d" in P.roles)`, k))
			}
		}
		rules = append(rules, fmt.Sprintf("    - {actions: [\"tools/call::pay\"], effect: EFFECT_ALLOW, roles: [role%d], condition: {match: {expr: %q}}}", i%s.roles, strings.Join(parts, " && ")))
	}
	return fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "pay", "inputSchema": {"type": "object", "properties": {` + strings.Join(properties, ", ") + `}}}]}`)},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + strings.Join(rules, "\n") + "\n")},
	}
}

// BenchmarkGrowth proves one sentence over everybody in worlds that grow in one way each.
func BenchmarkGrowth(b *testing.B) {
	base := size{roles: 8, rules: 16, leaves: 2}
	for _, x := range []struct {
		what string
		with func(n int) size
		of   []int
	}{
		{"roles", func(n int) size { s := base; s.roles, s.rules = n, n; return s }, []int{8, 16, 32, 64}},
		{"rules", func(n int) size { s := base; s.rules = n; return s }, []int{16, 32, 64}},
		{"leaves", func(n int) size { s := base; s.leaves = n; return s }, []int{2, 4, 8, 16}},
		{"named", func(n int) size { s := base; s.named = n; return s }, []int{0, 1, 2, 3}},
	} {
		for _, n := range x.of {
			b.Run(fmt.Sprintf("%s/%d", x.what, n), func(b *testing.B) {
				for b.Loop() {
					w, err := fixture.Open(b.Context(), x.with(n).world(), "principals: {ada: {id: ada, roles: [role1]}}\n", workspace.Options{})
					if err != nil {
						b.Fatal(err)
					}
					m, err := w.Outline()
					if err != nil {
						b.Fatal(err)
					}
					p, err := w.Prover(b.Context(), time.Time{}, nil)
					if err != nil {
						b.Fatal(err)
					}
					sentence := &prove.Sentence{Kind: prove.Needs, Of: m.Columns[1], Condition: "arguments.n0 < 1000"}
					if err := p.Prepare(b.Context(), []*prove.Sentence{sentence}); err != nil {
						b.Fatal(err)
					}
					proof, err := p.Prove(b.Context(), sentence)
					if err != nil || proof.Verdict.String() != "proved" {
						b.Fatal(proof.Verdict, err)
					}
				}
			})
		}
	}
}
