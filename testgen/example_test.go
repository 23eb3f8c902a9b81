package testgen_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/testgen"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func Example() {
	ctx := context.Background()
	w, err := fixture.Open(ctx, fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [{"name": "refund", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}}, {"name": "close"}]}`)},
		"policies/p.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {name: look, actions: ["tools/list", "tools/list::refund"], effect: EFFECT_ALLOW, roles: [clerk]}
    - {name: small, actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [clerk], condition: {match: {expr: R.attr.arguments.amount <= 500}}}
`)},
	}, "principals: {ada: {id: ada, roles: [clerk]}}\n", workspace.Options{})
	if err != nil {
		panic(err)
	}
	m, err := w.Matrix(ctx)
	if err != nil {
		panic(err)
	}
	suites, err := testgen.Generate(ctx, &testgen.Input{Matrix: m})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s", suites.Text)
	// Output:
	// # Written by mcpolicy test --generate: what the policies decide today. Read it as you would read
	// # the policies: where it is not what was meant, mend the policies, and this file with them.
	// name: who sees and uses what
	// server: crm
	// tests:
	//   - name: clerk
	//     principals: [ada]
	//     list: {exactly: [refund]}
	//     call:
	//       exactly: [refund]
	//       conditional: [refund]
	// ---
	// name: on which conditions
	// server: crm
	// tests:
	//   # policies/p.yaml: small
	//   - name: 'ada may call refund when arguments.amount <= 500'
	//     principals: [ada]
	//     call:
	//       cases:
	//         - {tool: refund, arguments: {amount: 500}, expect: allow}
	//         # arguments.amount <= 500 does not hold
	//         - {tool: refund, arguments: {amount: 501}, expect: deny}
	//         # without amount
	//         - {tool: refund, arguments: {}, expect: deny}
}
