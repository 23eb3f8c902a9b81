package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
)

// inventoryIncomplete notes inventories that may lack items, which the config
// accepts. Without that the run ends before there is anything to lint.
var inventoryIncomplete = &Rule{
	ID:       "inventory-incomplete",
	Family:   inInventory,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "An inventory is truncated, declared generated or dynamic, empty, or read in part",
		Rationale: `What is not in the inventory is not in the matrix, and no finding is about it: a green run over
nothing is the worst outcome there is. So such an inventory ends the run with status 3, unless the server's config
says ` + "`incomplete: accept`" + `; then this note stays in every report.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "greet"}], "nextCursor": "page-2"}
` + inventoryPolicy,
		Good: `
-- manifest.json --
{"tools": [{"name": "greet"}]}
` + inventoryPolicy,
		Fix: "Take the whole inventory, for instance with mcpolicy discover.",
	},
	Check: func(p *Pass) {
		for _, s := range p.Matrix.Servers {
			for _, gap := range s.Inventory.Gaps {
				p.report(draft{Finding: Finding{
					Server: s.Name, Pos: gap.Pos,
					Message:  fmt.Sprintf("the inventory of %s may be incomplete (%s), which the config accepts", s.Name, gap.Reason),
					Evidence: []string{gap.Message},
				}})
			}
		}
	},
}

const inventoryPolicy = `-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list", "tools/list::greet", "tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
`
