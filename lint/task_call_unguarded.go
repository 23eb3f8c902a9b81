package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// taskCallUnguarded flags tools that can be called as a task past the
// enforcement point. Where it is not known whether they can, it warns.
var taskCallUnguarded = &Rule{
	ID:       "task-call-unguarded",
	Family:   unguarded,
	Severity: authz.SeverityError,
	Doc: Doc{
		Summary: "A tool may be called as a task, and the enforcement point does not see such calls",
		Rationale: `A tool with ` + "`taskSupport`" + ` optional or required can be called as a task. On FastMCP 2.14
such a call never reaches the cerbos-fastmcp middleware: the task is started without any request to Cerbos,
and hands its result to whoever asked. From FastMCP 3 on it is checked like any other call. Where nothing
says which version the server runs on, this is a warning.`,
		Bad: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json, with: {fastmcp: "2.14"}}
policies: policies
principals: principals.yaml
` + taskWorld,
		Good: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json, with: {fastmcp: "3"}}
policies: policies
principals: principals.yaml
` + taskWorld,
		Fix:       "Upgrade to FastMCP 3, or set the tool's taskSupport to forbidden.",
		Standards: noPolicyDecides,
	},
	Check: func(p *Pass) {
		for col := range p.calls() {
			support := col.Item.TaskSupport
			profile := col.Server.Profile
			skipped, sure := profile.CallsAsTasks(support)
			if !skipped && sure {
				continue
			}
			f := about(col)
			if skipped {
				f.Message = fmt.Sprintf("anyone who connects can call %s as a task", col.Item.Name)
				f.Evidence = []string{
					fmt.Sprintf("On FastMCP %s a call made as a task goes past %s (taskSupport is %s).", profile.FastMCP, profile.Name, support),
				}
				if denied := plainlyDenied(p, col); len(denied) > 0 {
					f.Evidence = append(f.Evidence, fmt.Sprintf("As a plain call it would be denied to %s.", p.names(denied)))
				}
			} else {
				f.Severity = authz.SeverityWarning
				f.Message = fmt.Sprintf("%s may be open to anyone as a task: nothing says which FastMCP %s runs on", col.Item.Name, col.Server.Name)
				f.Evidence = []string{fmt.Sprintf("On FastMCP 2.14 a call made as a task goes past %s (taskSupport is %s).", profile.Name, support)}
				f.Fix = "State the version in mcpolicy.yaml, as with.fastmcp."
			}
			p.report(draft{Finding: f})
		}
	},
}

// plainlyDenied returns the classes that may not call the tool other than as a
// task.
func plainlyDenied(p *Pass, col *matrix.Column) []*matrix.Class {
	var list []*matrix.Class
	for _, c := range p.Matrix.Classes {
		if denied(p.cell(c, col)) {
			list = append(list, c)
		}
	}
	return list
}

const taskWorld = `-- manifest.json --
{"tools": [{"name": "export_customers", "execution": {"taskSupport": "optional"}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/list", "tools/list::export_customers", "tools/call::export_customers"]
      effect: EFFECT_ALLOW
      roles: [ADMIN]
`
