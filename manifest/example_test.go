package manifest_test

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/manifest"
)

func ExampleParse() {
	list, err := manifest.Parse("crm.json", []byte(`{
  "server": "crm",
  "tools": [
    {"name": "find_customer", "annotations": {"readOnlyHint": true}},
    {"name": "delete_customer"}
  ],
  "nextCursor": "page-2"
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, inv := range list {
		fmt.Printf("%s: %v\n", inv.Server, inv.Format)
		for _, it := range inv.Items {
			fmt.Printf("%v: %v %s, destructive: %v\n", it.Pos, it.Type, it.Name, it.Destructive())
		}
		for _, gap := range inv.Gaps {
			fmt.Printf("%v: %v\n", gap.Pos, gap.Reason)
		}
	}
	// Output:
	// crm: MCP list result
	// crm.json:4:5: tool find_customer, destructive: no
	// crm.json:5:5: tool delete_customer, destructive: inferred
	// crm.json:7:17: truncated
}
