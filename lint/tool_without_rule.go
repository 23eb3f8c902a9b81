package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
)

// toolWithoutRule flags tools whose call no rule is about, allowing or
// denying.
var toolWithoutRule = &Rule{
	ID:       "tool-without-rule",
	Family:   unguarded,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "No rule's action matches the tool's call, so it is denied by default only",
		Rationale: `The tool is denied because nobody thought of it, not because somebody decided so. The next
wildcard opens it without anybody noticing. If nobody is to call it, say that with a DENY.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "greet"}, {"name": "create_quote"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list", "tools/list::*"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "greet"}, {"name": "create_quote"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list", "tools/list::greet", "tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["tools/call::create_quote"], effect: EFFECT_DENY, roles: ["*"]}
`,
		Fix:       "Grant it to those who need it, or deny it.",
		Standards: noPolicyDecides,
	},
	Check: func(p *Pass) {
		if p.Policies == nil {
			return
		}
		for col := range p.calls() {
			for _, a := range p.index.Asked(col) {
				if p.index.IsRuled(col, &a) {
					continue
				}
				f := about(col)
				f.Cause = causeOf(col.Server.Name, a.Target.String())
				p.report(draft{
					Finding: f, subject: a.Action,
					say: func(e *effects) string {
						return fmt.Sprintf("no rule is about calling %s: %s denied by default only", e.listed(), plural(len(e.items), "it is", "they are"))
					},
					why: func(e *effects) []string {
						return []string{fmt.Sprintf("asked: %s on %s", listing(e.subjects, named), a.Target)}
					},
				})
				break
			}
		}
	},
}
