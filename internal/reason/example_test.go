package reason_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/reason"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func Example() {
	ctx := context.Background()
	w, err := fixture.Open(ctx, fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [{"name": "heat", "inputSchema": {"type": "object", "properties": {"degrees": {"type": "number"}}}}]}`)},
		"policies/house.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {name: mild, actions: ["tools/call::heat"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: R.attr.arguments.degrees < 25}}}
    - {name: warm, actions: ["tools/call::heat"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: R.attr.arguments.degrees < 30}}}
    - {name: none, actions: ["tools/call::heat"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {all: {of: [{expr: R.attr.arguments.degrees < 5}, {expr: R.attr.arguments.degrees > 9}]}}}}
`)},
	}, "principals: {ada: {id: ada, roles: [A]}}\n", workspace.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := w.Matrix(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	x := reason.New(reason.Input{
		Matrix: m, Policies: w.Policies, Index: coverage.New(m, w.Policies, coverage.Defaults{}), Budget: reason.NewBudget(m),
		Engine: w.Engine,
	})
	rules := w.Policies.Policies[0].Rules
	for _, r := range rules {
		v, err := x.Verdict(ctx, r, x.Own(r))
		fmt.Println(r.Label(), "is never met:", v == reason.Never, err)
	}
	warm, err := x.Follows(ctx, rules[1], rules[0])
	fmt.Println("what is mild is warm:", warm, err)
	mild, err := x.Follows(ctx, rules[0], rules[1])
	fmt.Println("what is warm is mild:", mild, err)
	// Output:
	// mild is never met: false <nil>
	// warm is never met: false <nil>
	// none is never met: true <nil>
	// what is mild is warm: true <nil>
	// what is warm is mild: false <nil>
}
