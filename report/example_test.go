package report_test

import (
	"context"
	"fmt"
	"os"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/report"
)

func ExampleWrite() {
	inventory, err := manifest.Parse("crm.json", []byte(`{"tools": [
		{"name": "search_customers", "annotations": {"readOnlyHint": true}},
		{"name": "delete_customer"}
	]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	profile, err := pep.New("tool-as-action", "crm", pep.With{}, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	engine, err := embedded.Open(ctx, fstest.MapFS{"crm.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp::crm
  version: default
  rules:
    - {actions: ["*"], effect: EFFECT_ALLOW, roles: [ADMIN]}
    - {actions: ["search_*"], effect: EFFECT_ALLOW, roles: [SALES]}
`)}}, pdp.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := matrix.Build(ctx, &matrix.Input{
		Servers: []*matrix.Server{{Name: "crm", Inventory: inventory[0], Profile: profile}},
		Principals: []*authz.Principal{
			{Key: "ian", ID: "ian", Roles: []string{"ADMIN"}},
			{Key: "sally", ID: "sally", Roles: []string{"SALES"}},
		},
		Decider: engine,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := report.Write("text", os.Stdout, &report.Document{Matrix: m}, report.Options{}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// crm  tool-as-action, 2 tools, 2 principals in 2 classes
	//
	//                      ian         sally
	//                      ADMIN       SALES
	// tools                list call   list call
	// ! delete_customer     ●    ●      ·    ·
	//   search_customers    ●    ●      ●    ●
	//
	// ● allowed  · denied  ! destructive (inferred from the name)
}
