package coverage_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func Example() {
	ctx := context.Background()
	w, err := fixture.Open(ctx, fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [{"name": "open_door"}, {"name": "ring_bell"}]}`)},
		"policies/house.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {name: keys, actions: ["tools/call::open_*"], effect: EFFECT_ALLOW, roles: [KEEPER]}
    - {name: all, actions: ["tools/call::*"], effect: EFFECT_DENY, roles: [GUEST]}
`)},
	}, "principals: {ada: {id: ada, roles: [KEEPER]}}\n", workspace.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := w.Matrix(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	index := coverage.New(m, w.Policies, coverage.Defaults{})
	for r := range w.Policies.Rules() {
		for _, c := range index.Covered(r) {
			fmt.Printf("%s (for %v) is about %s\n", r.Label(), r.Roles[0].Value, c.Action)
		}
	}
	// Output:
	// keys (for KEEPER) is about tools/call::open_door
	// all (for GUEST) is about tools/call::open_door
	// all (for GUEST) is about tools/call::ring_bell
}
