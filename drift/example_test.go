package drift_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/drift"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func Example() {
	ctx := context.Background()
	decided := func(limit string) *matrix.Matrix {
		w, err := fixture.Open(ctx, fstest.MapFS{
			"manifest.json": {Data: []byte(`{"tools": [{"name": "refund"}]}`)},
			"policies/p.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [CLERK], condition: {match: {expr: R.attr.arguments.amount <= ` + limit + `}}}
`)},
		}, "principals: {ada: {id: ada, roles: [CLERK]}}\n", workspace.Options{})
		if err != nil {
			panic(err)
		}
		m, err := w.Matrix(ctx)
		if err != nil {
			panic(err)
		}
		return m
	}
	found, err := drift.Compare(ctx, drift.Input{Checkout: decided("500"), Production: decided("900")})
	if err != nil {
		panic(err)
	}
	for _, d := range found.Found {
		fmt.Println(d.Principals[0].Key, d.Column.Operation, d.Column.Item.Name, d.Arguments)
	}
	// Output:
	// ada call refund map[amount:700]
}
