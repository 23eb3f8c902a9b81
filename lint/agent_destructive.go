package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// agentDestructive flags destructive tools that an agent or a workload may call
// with any arguments. It reports once for the same principals, rules and reason
// to take the tools to be destructive.
var agentDestructive = &Rule{
	ID:       "agent-destructive",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	Least:    authz.ConfidenceLow,
	Doc: Doc{
		Summary: "A principal of kind agent or workload may call a destructive tool unconditionally",
		Rationale: `Whoever writes what an agent reads has a say in what it does next, and nobody looks over its
shoulder. What cannot be undone should take a person, or a condition that keeps the damage small. Principals are
people unless their file says ` + "`kind: agent` or `kind: workload`" + `. Confidence is high where the tool says that it
is destructive, medium where its name does, and low where it has other hints only: MCP's default is destructive.`,
		Bad: agentPrincipals + `
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::delete_customer"], effect: EFFECT_ALLOW, roles: [ADMIN, ASSISTANT]}
`,
		Good: agentPrincipals + `
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::delete_customer"], effect: EFFECT_ALLOW, roles: [ADMIN]}
    - actions: ["tools/call::delete_customer"]
      effect: EFFECT_ALLOW
      roles: [ASSISTANT]
      condition: {match: {expr: R.attr.arguments.dry_run == true}}
`,
		Fix:       "Leave it to people, or grant it on a condition.",
		Standards: destructiveUnconditionally,
	},
	Options: func() any { return &destructiveOptions{} },
	Check: func(p *Pass) {
		o := optionsOf[destructiveOptions](p)
		machines := map[*matrix.Class][]*authz.Principal{}
		for _, c := range p.Matrix.Classes {
			machines[c] = machinesOf(c)
		}
		for col := range p.calls() {
			ground := o.ground(col.Item)
			if ground == manifest.None {
				continue
			}
			var whom []*authz.Principal
			who := p.where(col, allowed)
			who = slices.DeleteFunc(who, func(c *matrix.Class) bool { return len(machines[c]) == 0 })
			for _, c := range who {
				whom = append(whom, machines[c]...)
			}
			if len(whom) == 0 {
				continue
			}
			f := about(col)
			f.Confidence = confidenceIn(ground)
			if len(whom) == 1 {
				f.Principal = whom[0].Key
			}
			f.blame(p.decisive(who, col))
			cause := append([]string{col.Server.Name, namesOf(whom), ground.String()}, f.Evidence...)
			p.report(draft{
				Finding: f, whom: whom, group: strings.Join(cause, "\x00"), subject: col.Item.Name,
				say: func(tools []string) string {
					return fmt.Sprintf("%s (%s) may call %s with any arguments%s", namesOf(whom), kindsOf(whom), listing(tools, named), destructiveBecause(ground, len(tools)))
				},
			})
		}
	},
}

// kindsOf says of what kinds principals are: "an agent", "agents and a
// workload".
func kindsOf(list []*authz.Principal) string {
	var kinds []string
	for _, of := range []struct {
		kind         authz.Kind
		one, several string
	}{{authz.Agent, "an agent", "agents"}, {authz.Workload, "a workload", "workloads"}} {
		same := filter(list, func(p *authz.Principal) bool { return p.Kind == of.kind })
		if len(same) > 0 {
			kinds = append(kinds, plural(len(same), of.one, of.several))
		}
	}
	return listing(kinds, named)
}

const agentPrincipals = `
-- manifest.json --
{"tools": [{"name": "delete_customer", "annotations": {"destructiveHint": true}}]}
-- principals.yaml --
principals:
  ian: {id: ian, roles: [ADMIN]}
  scout: {id: scout, kind: agent, roles: [ASSISTANT]}`
