package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// destructiveOpenToAll flags destructive tools that every declared principal
// may call with any arguments. Where only one principal is declared, that says
// nothing about everybody.
var destructiveOpenToAll = &Rule{
	ID:       "destructive-open-to-all",
	Family:   overExposed,
	Severity: authz.SeverityError,
	Least:    authz.ConfidenceLow,
	Doc: Doc{
		Summary: "Every declared principal may call a destructive tool, unconditionally",
		Rationale: `What cannot be undone should be left to few. A tool counts as destructive if it says so, if it
has hints but neither this one nor that it is read-only (MCP's default is destructive), or, failing any hint, if
its name says so. A hint that a tool is harmless is believed. Confidence is high where the tool says so itself,
medium where its name does, and low by MCP's default.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "delete_customer", "annotations": {"destructiveHint": true}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::delete_customer"], effect: EFFECT_ALLOW, roles: [ADMIN, SALES, HR]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "delete_customer", "annotations": {"destructiveHint": true}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::delete_customer"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Fix:       "Grant it to the few who need it, or on a condition.",
		Standards: destructiveUnconditionally,
	},
	Options: func() any { return &destructiveOptions{} },
	Check: func(p *Pass) {
		o, everybody := optionsOf[destructiveOptions](p), p.Matrix.Classes
		if size(everybody) < 2 {
			return
		}
		for col := range p.calls() {
			destructive := o.ground(col.Item)
			if destructive == manifest.None || !p.all(col, allowed) {
				continue
			}
			rules := p.widest(p.decisive(everybody, col))
			f := about(col)
			f.Confidence = confidenceIn(destructive)
			f.Cause = causeOf(col.Server.Name, keyOfMain(rules))
			f.blame(rules)
			if len(rules) > 0 && rules[0].Syntax != nil {
				f.Pos = placeOfAll(rules[0].Syntax)
				f.Fix = fmt.Sprintf("Grant it in %s (%s) to the few who need it, or on a condition.", called(rules[0].Syntax), rules[0].Pos)
			}
			p.report(draft{
				Finding: f, who: wholly(everybody), ground: destructive,
				say: func(e *effects) string {
					what := e.either("destructive tools")
					return fmt.Sprintf("every principal may call %s with any arguments%s", what, destructiveBecause(e.ground, len(e.items)))
				},
				why: func(e *effects) []string {
					return []string{fmt.Sprintf("%s may call %s.", p.namesIn(e.who), plural(len(e.items), "it", "them"))}
				},
			})
		}
	},
}
