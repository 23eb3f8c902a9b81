package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// kindMissing flags principals files that give nobody a kind, where somebody may call a
// tool that changes something. It reports once, with the tools. What neither hints nor a
// name say to change something does not count.
var kindMissing = &Rule{
	ID:       "kind-missing",
	Family:   inHouse,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "No declared principal has a `kind`, and a tool that changes something is callable: the rules about agents see nobody",
		Rationale: `Policies do not see what a principal is, so mcpolicy has to be told: human, workload or agent. Whoever has
no kind is taken to be human. Rules such as agent-destructive and sentences of suites about agents then have nobody to
speak of, and their silence is no all-clear. Say it once of one principal, be it human, and this is settled.`,
		Bad: `
-- principals.yaml --
principals:
  sally: {id: sally, roles: [SALES]}
  helper: {id: helper, roles: [SALES]}
` + kindMissingWorld,
		Good: `
-- principals.yaml --
principals:
  sally: {id: sally, roles: [SALES]}
  helper: {id: helper, roles: [SALES], kind: agent}
` + kindMissingWorld,
		Fix: "Write kind: agent, workload or human for the principals.",
	},
	Check: func(p *Pass) {
		var first, delegate *authz.Principal
		for _, c := range p.Matrix.Classes {
			for _, who := range c.Principals {
				if who.KindDeclared {
					return
				}
				if first == nil || who.Pos.Compare(first.Pos) < 0 {
					first = who
				}
				if who.OnBehalfOf != "" && (delegate == nil || who.Pos.Compare(delegate.Pos) < 0) {
					delegate = who
				}
			}
		}
		if first == nil {
			return
		}
		fix := fmt.Sprintf("Write kind: human, workload or agent for each principal, such as %s.", first.Key)
		if delegate != nil {
			fix = fmt.Sprintf("Write kind: agent for %s, who acts for %s, and say of the others what they are.", delegate.Key, delegate.OnBehalfOf)
		}
		for col := range p.calls() {
			risk, _ := col.Item.Risk()
			who := p.where(col, func(c *matrix.Cell) bool { return !denied(c) })
			if risk != manifest.Changes && risk != manifest.Destroys || len(who) == 0 {
				continue
			}
			f := about(col)
			f.standAt(first.Pos, "")
			f.Cause, f.Fix = "kind", fix
			p.report(draft{Finding: f, say: func(e *effects) string {
				return fmt.Sprintf("no declared principal has a kind, and %s may be called: the rules about agents see nobody", e.listed())
			}})
		}
	},
}

const kindMissingWorld = `-- manifest.json --
{"tools": [{"name": "refund_order", "annotations": {"readOnlyHint": false, "destructiveHint": false}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::refund_order"], effect: EFFECT_ALLOW, roles: [SALES]}
`
