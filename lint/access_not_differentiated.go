package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// accessNotDifferentiated flags servers to which principals with different
// roles all have the same access, if it is any.
var accessNotDifferentiated = &Rule{
	ID:       "access-not-differentiated",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "Principals with different roles all have the same access on a server, and it is not \"nothing\"",
		Rationale: `Roles that make no difference are either not needed or not used. More often the policy grants to
everybody what some of them need. What the enforcement point never asks about does not count.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "find_ticket"}, {"name": "close_ticket"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/list", "tools/list::find_ticket", "tools/call::find_ticket", "tools/list::close_ticket", "tools/call::close_ticket"]
      effect: EFFECT_ALLOW
      roles: [ADMIN, SALES, HR]
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "find_ticket"}, {"name": "close_ticket"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/list", "tools/list::find_ticket", "tools/call::find_ticket"]
      effect: EFFECT_ALLOW
      roles: [ADMIN, SALES, HR]
    - {actions: ["tools/list::close_ticket", "tools/call::close_ticket"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Fix:       "Grant each role what it needs; if all need the same, say so with a waiver.",
		Standards: tooManyMay,
	},
	Check: func(p *Pass) {
		roles := roleSets(p)
		if len(roles) < 2 {
			return
		}
		for _, s := range p.Matrix.Servers {
			if onlyReads(s) {
				continue
			}
			asked, open, same := 0, 0, true
			for col := range p.Matrix.ColumnsOf(s) {
				if !col.Question.Guarded() {
					continue
				}
				asked++
				first := p.Matrix.Cell(p.Matrix.Classes[0], col)
				if granted(first) {
					open++
				}
				same = same && p.all(col, func(c *matrix.Cell) bool {
					return c.Access == first.Access && c.Condition.Equal(first.Condition)
				})
			}
			if !same || open == 0 {
				continue
			}
			p.report(draft{who: wholly(p.Matrix.Classes), Finding: Finding{
				Cause: s.Name, Server: s.Name, Pos: p.declared(s),
				Message: fmt.Sprintf("%s have the same access to %s, whatever their roles", p.names(p.Matrix.Classes), s.Name),
				Evidence: []string{
					fmt.Sprintf("Open to each of them: %d of %d operations on its items.", open, asked),
					fmt.Sprintf("Their roles: %s.", listing(roles, people)),
				},
			}})
		}
	},
}

// onlyReads reports whether nothing of a server changes anything.
func onlyReads(s *matrix.Server) bool {
	return !slices.ContainsFunc(s.Inventory.Of(authz.ToolItem), func(i *manifest.Item) bool {
		risk, _ := i.Risk()
		return risk != manifest.Reads
	})
}
