package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
)

// callableNotListed flags items that somebody may use who does not see them.
var callableNotListed = &Rule{
	ID:       "callable-not-listed",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "A principal may call a tool that is hidden from it",
		Rationale: `Hiding is not denying: a client calls by name, and names are guessed, leaked or remembered. Who
reads the list to see what somebody may do is misled. Often the two rules have drifted apart, or the rule for the
list reads arguments, which a list does not have.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_payroll"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list"], effect: EFFECT_ALLOW, roles: ["*"]}
    - {actions: ["tools/list::get_payroll"], effect: EFFECT_ALLOW, roles: [HR]}
    - {actions: ["tools/call::get_payroll"], effect: EFFECT_ALLOW, roles: [HR, SALES]}
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
		Fix:       "Deny the call as well, or show the tool.",
		Standards: []string{"CWE-425", "OWASP MCP07:2025", "ASI02", "NHI5:2025", "NIST SP 800-207 2.1"},
	},
	Check: func(p *Pass) {
		for use := range p.twins() {
			list := use.Twin
			who := p.among(p.where(use, possible), list, denied)
			if len(who) == 0 {
				continue
			}
			f := about(use)
			f.Message = fmt.Sprintf("%s is hidden from %s, who may %s it", use.Item.Name, p.names(who), verb(use.Operation))
			f.blame(p.decisive(who, use))
			f.Evidence = append(f.Evidence, conditionsOf(p, who, use)...)
			f.Evidence = append(f.Evidence, whyDenied(p, who, list)...)
			p.report(draft{Finding: f, who: who})
		}
	},
}
