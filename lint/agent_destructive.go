package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// agentDestructive flags destructive tools that an agent or a workload may call
// with any arguments. It reports once for the rule that lets them.
var agentDestructive = &Rule{
	ID:       "agent-destructive",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	ofEach:   true,
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
		machines := wholly(p.Matrix.Classes).where(isMachine)
		for col := range p.calls() {
			ground := o.ground(col.Item)
			if ground == manifest.None {
				continue
			}
			by := map[string]crowd{}
			rules := map[string][]matrix.Rule{}
			for _, s := range machines {
				if !allowed(p.Matrix.Cell(s.class, col)) {
					continue
				}
				deciding := p.widest(p.decisive([]*matrix.Class{s.class}, col))
				key := keyOfMain(deciding)
				by[key], rules[key] = append(by[key], s), deciding
			}
			for key, who := range by { // in any order: findings are sorted
				f := about(col)
				f.Confidence = confidenceIn(ground)
				f.Cause = causeOf(col.Server.Name, key)
				f.blame(rules[key])
				p.report(draft{Finding: f, who: who, ground: ground, say: mayDestroy(p)})
			}
		}
	},
}

// mayDestroy says which agents may call what.
func mayDestroy(p *Pass) func(*effects) string {
	return func(e *effects) string {
		what := e.either("destructive tools")
		return fmt.Sprintf("%s, %s, may call %s with any arguments%s", p.namesIn(e.who), kindsOf(e.who.principals()), what, destructiveBecause(e.ground, len(e.items)))
	}
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
