package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// duplicateName flags items of one server and type with the same name, unless
// they are versions of one item. The matrix stands all the same: the policies
// cannot tell them apart either.
var duplicateName = &Rule{
	ID:       "duplicate-name",
	Family:   inInventory,
	Severity: authz.SeverityError,
	Doc: Doc{
		Summary: "Two items of one server have the same name",
		Rationale: `A policy speaks of names, so what is granted for the one is granted for the other. Which of the
two a call reaches is up to the server, and may change. One may be harmless and the other not.`,
		Bad: `
-- manifest.json --
{"tools": [
  {"name": "get_customer", "description": "Read a customer card."},
  {"name": "get_customer", "description": "Read everything from the old database."}
]}
` + duplicatePolicy,
		Good: `
-- manifest.json --
{"tools": [
  {"name": "get_customer", "description": "Read a customer card."},
  {"name": "get_customer_history", "description": "Read everything from the old database."}
]}
` + duplicatePolicy,
		Fix: "Rename one of them, or take it out of the server.",
	},
	Check: func(p *Pass) {
		type key struct {
			t    authz.ItemType
			name string
		}
		for _, s := range p.Matrix.Servers {
			same := map[key][]*manifest.Item{}
			for _, i := range s.Inventory.Items {
				same[key{i.Type, i.Name}] = append(same[key{i.Type, i.Name}], i)
			}
			for k, items := range same { // in any order: findings are sorted
				if items = unversioned(items); len(items) < 2 {
					continue
				}
				f := Finding{
					Server: s.Name, Type: k.t, Name: k.name, Pos: items[1].Pos,
					Message: fmt.Sprintf("%s has %d %ss called %s", s.Name, len(items), noun(k.t), k.name),
				}
				for n, i := range items {
					if n != 1 {
						f.Related = append(f.Related, Related{i.Pos, "another one", true})
					}
				}
				p.report(draft{Finding: f})
			}
		}
	},
}

// unversioned returns the items without those that are a version of their own
// of the same item, as FastMCP 3 has them.
func unversioned(items []*manifest.Item) []*manifest.Item {
	var list []*manifest.Item
	seen := map[string]bool{}
	for _, i := range items {
		if i.Version == "" || seen[i.Version] || len(list) == 0 {
			list = append(list, i)
		}
		seen[i.Version] = true
	}
	return list
}

const duplicatePolicy = `-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/list", "tools/list::get_customer", "tools/call::get_customer"]
      effect: EFFECT_ALLOW
      roles: [SALES]
`
