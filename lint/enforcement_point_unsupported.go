package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
)

// enforcementPointUnsupported flags servers on which the declared enforcement
// point does not work.
var enforcementPointUnsupported = &Rule{
	ID:       "enforcement-point-unsupported",
	Family:   unguarded,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "The server runs on a version on which the declared enforcement point does not work",
		Rationale: `The matrix shows what the policies would decide if they were asked. cerbos-fastmcp 0.1.1
cannot be imported on FastMCP 4, so whatever guards such a server is not this release, and the matrix is
about a server that does not exist. The project's fixtures/fastmcp4 has a middleware for FastMCP 4 to copy,
with the profile that describes it.`,
		Bad: `
-- manifest.json --
{"serverInfo": {"name": "crm"}, "environment": {"fastmcp": "4.1.0"}, "tools": [{"name": "find_ticket"}]}
` + unsupportedPolicy,
		Good: `
-- manifest.json --
{"serverInfo": {"name": "crm"}, "environment": {"fastmcp": "3.4.9"}, "tools": [{"name": "find_ticket"}]}
` + unsupportedPolicy,
		Fix:       "Declare what guards the server in its place, or stay on FastMCP 3.",
		Standards: noPolicyDecides,
	},
	Check: func(p *Pass) {
		for _, s := range p.Matrix.Servers {
			if s.Profile.Unsupported == "" {
				continue
			}
			f := Finding{
				Server: s.Name, Pos: p.declared(s),
				Message:  fmt.Sprintf("%s does not guard %s: it does not run on FastMCP %s", s.Profile.Name, s.Name, s.Profile.FastMCP),
				Evidence: []string{s.Profile.Unsupported + "."},
			}
			if v := s.Inventory.FastMCP; v != "" {
				f.Related = []Related{{s.Inventory.Pos, "the inventory says FastMCP " + v, false}}
			}
			p.report(draft{Finding: f})
		}
	},
}

const unsupportedPolicy = `-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/list", "tools/list::find_ticket", "tools/call::find_ticket"]
      effect: EFFECT_ALLOW
      roles: [ADMIN]
`
