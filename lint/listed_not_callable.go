package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
)

// listedNotCallable flags items that somebody sees who may never use them. A
// call that some arguments allow is not never.
var listedNotCallable = &Rule{
	ID:       "listed-not-callable",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "A principal sees a tool that it may never call",
		Rationale: `What a tool is called, what it does and which arguments it takes is information about the company.
An agent that sees a tool will also try it, fail, and try something else. Whoever may never call a tool should not
be shown it.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_payroll"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list", "tools/list::*"], effect: EFFECT_ALLOW, roles: ["*"]}
    - {actions: ["tools/call::get_payroll"], effect: EFFECT_ALLOW, roles: [HR]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_payroll"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list"], effect: EFFECT_ALLOW, roles: ["*"]}
    - {actions: ["tools/list::get_payroll", "tools/call::get_payroll"], effect: EFFECT_ALLOW, roles: [HR]}
`,
		Fix:       "Hide it from those who may not call it, or let them.",
		Standards: []string{"CWE-1230", "OWASP MCP10:2025"},
	},
	Check: func(p *Pass) {
		for use := range p.twins() {
			list := use.Twin
			who := p.among(p.where(list, possible), use, denied)
			if len(who) == 0 {
				continue
			}
			f := about(use)
			f.Message = fmt.Sprintf("%s shows to %s, who may never %s it", use.Item.Name, p.names(who), verb(use.Operation))
			f.blame(p.decisive(who, list))
			f.Evidence = append(f.Evidence, whyDenied(p, who, use)...)
			p.report(draft{Finding: f, who: who})
		}
	},
}
