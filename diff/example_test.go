package diff_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func Example() {
	ctx := context.Background()
	opened := func(limit string) *workspace.Workspace {
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
		return w
	}
	changed, err := opened("900").Diff(ctx, opened("500"))
	if err != nil {
		panic(err)
	}
	for _, c := range changed.Cells {
		fmt.Println(c.Principals[0].Key, c.Column.Operation, c.Column.Item.Name, c.Kind, c.Gained.Arguments)
	}
	// Output:
	// ada call refund widened map[amount:900]
}
