package prove_test

import (
	"context"
	"fmt"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func Example() {
	ctx := context.Background()
	w, err := fixture.Open(ctx, fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [{"name": "refund", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}}]}`)},
		"policies/p.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [clerk], condition: {match: {expr: R.attr.arguments.amount <= 500}}}
    - {actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [manager]}
`)},
	}, "principals: {ada: {id: ada, roles: [clerk]}}\n", workspace.Options{})
	if err != nil {
		panic(err)
	}
	p, err := w.Prover(ctx, time.Time{}, nil)
	if err != nil {
		panic(err)
	}
	m, err := w.Matrix(ctx)
	if err != nil {
		panic(err)
	}
	refund := m.Columns[1]
	for _, who := range []*prove.Who{nil, {Not: &prove.Who{Roles: []string{"manager"}}}} {
		s := &prove.Sentence{Kind: prove.Needs, Who: who, Of: refund, Condition: "arguments.amount <= 500"}
		proof, err := p.Prove(ctx, s)
		if err != nil {
			panic(err)
		}
		fmt.Println(s, "is", proof.Verdict)
		if proof.Counterexample != nil {
			fmt.Println("  ", s.Against(proof))
		}
	}
	// Output:
	// whoever may call refund meets arguments.amount <= 500 is refuted
	//    {"roles": ["manager"]} may call refund with {}
	// whoever without manager may call refund meets arguments.amount <= 500 is proved
}
