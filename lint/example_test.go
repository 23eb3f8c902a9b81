package lint_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

func Example() {
	ctx := context.Background()
	policies := fstest.MapFS{"crm.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: [tools/list, "tools/list::*", "tools/call::*"]
      effect: EFFECT_ALLOW
      roles: [ADMIN]
`)}}
	engine, err := embedded.Open(ctx, policies, pdp.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	syntax, err := policy.Load(policies, "policies")
	if err != nil {
		fmt.Println(err)
		return
	}
	inventories, err := manifest.Parse("crm.json", []byte(`{"tools": [
  {"name": "export", "annotations": {"readOnlyHint": true}}, {"name": "greet", "annotations": {"readOnlyHint": true}}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	profile, err := pep.New("cerbos-fastmcp", "crm", pep.With{}, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := matrix.Build(ctx, &matrix.Input{
		Servers:    []*matrix.Server{{Name: "crm", Inventory: inventories[0], Profile: profile}},
		Principals: []*authz.Principal{{Key: "ian", ID: "ian", Roles: []string{"ADMIN"}}},
		Decider:    engine, Policies: syntax,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	findings, err := lint.Run(ctx, &lint.Input{Matrix: m, Policies: syntax}, lint.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range findings {
		fmt.Printf("%v: %v: %s [%s]\n", f.Pos, f.Severity, f.Message, f.Rule)
	}
	// Output:
	// policies/crm.yaml:7:46: note: tools/call::* opens export and greet, which no rule names [wildcard-action]
}
