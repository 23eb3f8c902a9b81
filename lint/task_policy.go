package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/policy"
)

// taskPolicy flags resource policies about tasks in front of which a point of AuthZEN's binding
// for MCP asks.
var taskPolicy = &Rule{
	ID:       "task-policy",
	Family:   inPolicy,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "A policy is about tasks, of which an enforcement point sends the id alone",
		Rationale: `Under AuthZEN's binding for MCP (COAZ-MCP, draft 1) a policy about the kind ` + "`task`" + ` sees the id of the task and who asks, and neither whose
task it is nor of which tool. What it allows of tasks it allows of those of others, too: whoever learns an id gets the result.`,
		Bad:  tasksWorld + "    - {name: results, actions: [tasks/result, tasks/get], effect: EFFECT_ALLOW, roles: [identity]}\n",
		Good: tasksWorld + "    - {name: no-results, actions: [tasks/result, tasks/get, tasks/cancel], effect: EFFECT_DENY, roles: [identity]}\n",
		Fix:  "Have the server hold a task to whoever began it, whatever the policy says.",
	},
	Check: func(p *Pass) {
		if p.Policies == nil {
			return
		}
		for _, s := range p.Matrix.Servers {
			if len(s.Profile.Besides()) == 0 {
				continue
			}
			for r := range p.Policies.Rules() {
				if r.Policy.Kind != policy.ResourcePolicy || r.Effect != authz.Allow || !r.CoversKind("task") || r.Policy.Disabled {
					continue
				}
				p.report(draft{
					Finding: Finding{Pos: r.Pos, Policy: r.ID, Server: s.Name, Cause: keyOfPolicy(r.Policy), Evidence: []string{cite(r)}},
					subject: called(r), say: func(e *effects) string {
						n := len(e.subjects)
						return fmt.Sprintf("%s %s of tasks what %s cannot tell from the tasks of others", listing(e.subjects, named), plural(n, "allows", "allow"), plural(n, "it", "they"))
					},
				})
			}
		}
	},
}

const tasksWorld = `
-- mcpolicy.yaml --
servers:
  depot: {manifest: manifest.json, enforcement: coaz, with: {aud: "https://depot.example/mcp"}}
policies: policies
principals: principals.yaml
-- manifest.json --
{"tools": [{"name": "find", "annotations": {"readOnlyHint": true}}]}
-- principals.yaml --
principals:
  rosa: {id: rosa, roles: [curator]}
-- policies/task.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: task
  version: default
  rules:
`
