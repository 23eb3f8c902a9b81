package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// toolUnreachable flags tools that rules are about and that no declared
// principal may ever call. It is silent where that is what the rules say: a
// DENY meets everybody, and no ALLOW names the tool.
var toolUnreachable = &Rule{
	ID:       "tool-unreachable",
	Family:   unreachable,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "Rules match the tool, and no declared principal may ever call it",
		Rationale: `Somebody wrote a rule for the tool, and it does nothing: the role is misspelt or nobody's, a
condition is never met, or a DENY takes it back. Whoever relies on the tool will ask for "just a bit more" until it
works, and gets too much. A DENY for everybody is a decision, and no finding.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_payroll"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::get_payroll"], effect: EFFECT_ALLOW, roles: [PAYROLL]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_payroll"}, {"name": "delete_payroll"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::get_payroll"], effect: EFFECT_ALLOW, roles: [HR]}
    - {actions: ["tools/call::delete_payroll"], effect: EFFECT_DENY, roles: ["*"]}
`,
		Fix:       "Correct the rules, declare a principal that they are for, or deny the tool to everybody.",
		Standards: deadRule,
	},
	Check: func(p *Pass) {
		for col := range p.calls() {
			if !p.all(col, denied) {
				continue
			}
			matching, all, named := p.rulesFor(col)
			if !all || !named && p.all(col, decidedlyDenied) {
				continue
			}
			f := about(col)
			cause := []string{col.Server.Name}
			for i, r := range matching {
				cause = append(cause, keyOf(r))
				if i < reasons {
					f.Evidence = append(f.Evidence, cite(r)+whyNotAllowed(p, r, col))
				}
			}
			f.Cause = causeOf(cause...)
			p.report(draft{
				Finding: f, who: wholly(p.Matrix.Classes),
				say: func(e *effects) string {
					return fmt.Sprintf("nobody may ever call %s, though %s about %s", e.listed(),
						plural(len(matching), "a rule is", "rules are"), plural(len(e.items), "it", "them"))
				},
			})
		}
	},
}

// decidedlyDenied reports whether a DENY, rather than the lack of an ALLOW or a condition
// that is never met, makes the cell what it is.
func decidedlyDenied(c *matrix.Cell) bool { return c.Reason() == "" && len(c.Decisive()) > 0 }

// whyNotAllowed says why a rule lets nobody do something.
func whyNotAllowed(p *Pass, r *policy.Rule, col *matrix.Column) string {
	why := ""
	for _, c := range p.Matrix.Classes {
		for _, part := range p.cell(c, col).Rules {
			if part.Syntax == r && r.Effect == authz.Deny && part.Met != authz.Unmet {
				return ", denies it"
			}
		}
		if o := obstacle(p, r, c, col); why == "" || o == unmet {
			why = o
		}
	}
	if why == "" {
		return ": it is for nobody that is declared"
	}
	return ": " + why
}
