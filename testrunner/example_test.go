package testrunner_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

func Example() {
	ctx := context.Background()
	policies := fstest.MapFS{"p.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - name: own-region
      actions: ["tools/call::get_sales_data"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}
`)}}
	engine, err := embedded.Open(ctx, policies, pdp.Options{})
	if err != nil {
		panic(err)
	}
	syntax, err := policy.Load(policies, "policies")
	if err != nil {
		panic(err)
	}
	profile, err := pep.New("cerbos-fastmcp", "crm", pep.With{}, "")
	if err != nil {
		panic(err)
	}
	m, err := matrix.Build(ctx, &matrix.Input{
		Servers: []*matrix.Server{{
			Name: "crm", Profile: profile,
			Inventory: &manifest.Inventory{Items: []*manifest.Item{{Name: "get_sales_data"}}},
		}},
		Principals: []*authz.Principal{{Key: "sally", ID: "sally", Roles: []string{"SALES"}, Attr: map[string]any{"region": "EMEA"}}},
		Decider:    engine, Policies: syntax,
	})
	if err != nil {
		panic(err)
	}

	suites, err := testrunner.Parse("tests/sales.yaml", []byte(`
name: Sales
tests:
  - name: sales call only in their own region
    principals: [sally]
    call:
      conditional: [get_sales_data]
      cases:
        - {tool: get_sales_data, arguments: {region: EMEA}, expect: allow}
        - {tool: get_sales_data, arguments: {region: APAC}, expect: allow}
`))
	if err != nil {
		panic(err)
	}
	result, err := testrunner.Run(ctx, &testrunner.Input{Suites: suites, Matrix: m})
	if err != nil {
		panic(err)
	}
	for _, c := range result.Suites[0].Cases {
		fmt.Printf("%v: %v, want %s, got %s\n", c.Pos, c.Outcome, c.Want, c.Got)
		if c.Outcome == testrunner.Failed {
			fmt.Println(c.Message)
		}
		for _, v := range c.Values {
			fmt.Println(v.Expr, "=", v.Value)
		}
	}
	// Output:
	// tests/sales.yaml:7:21: passed, want conditional, got conditional
	// tests/sales.yaml:9:11: passed, want allowed, got allowed
	// tests/sales.yaml:10:11: failed, want allowed, got denied
	// no rule allows it; rule "own-region" would, but its condition is not met
	// R.attr.arguments.region = "APAC"
	// P.attr.region = "EMEA"
}
