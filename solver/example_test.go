package solver_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/solver"
)

func Example() {
	ctx := context.Background()
	engine, err := embedded.Open(ctx, fstest.MapFS{"p.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy: {resource: mcp_server, version: default, rules: []}
`)}}, pdp.Options{})
	if err != nil {
		panic(err)
	}
	s := solver.New(engine.Leaves())
	w := &solver.World{Requests: []authz.Request{{
		Principal: &authz.Principal{ID: "ada", Roles: []string{"clerk"}}, Resource: authz.Resource{Kind: "mcp_server", ID: "refund"},
		Action: "call", Unknown: []string{"arguments"}, AnyPrincipal: true,
	}}}
	for _, text := range []string{
		`R.attr.arguments.amount > 100 && R.attr.arguments.amount <= 500`,
		`R.attr.arguments.amount > P.attr.limit && P.attr.limit > 500 && R.attr.arguments.amount < 100`,
	} {
		a, err := s.Solve(ctx, w, []solver.Goal{{Formula: solver.Expr(text), To: solver.Only(solver.Met)}})
		if err != nil {
			panic(err)
		}
		fmt.Println(a.Verdict)
	}
	c, err := s.Compare(ctx, w, 0, solver.Expr(`R.attr.arguments.path.startsWith("/home/")`), solver.Expr(`R.attr.arguments.path.startsWith("/home/ada/")`))
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Relation)
	// Output:
	// possible
	// impossible
	// wider
}
