package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pep"
)

// operationNotEnforced flags operations that the enforcement point never asks
// about. It reports once a server.
var operationNotEnforced = &Rule{
	ID:       "operation-not-enforced",
	Family:   unguarded,
	Severity: authz.SeverityError,
	Doc: Doc{
		Summary: "The enforcement point never asks about an operation that the inventory has items for",
		Rationale: `A policy decides only what it is asked. An enforcement point that sends no request
before a resource is read or a prompt is got leaves it open to everybody who can connect, whatever the
policies say. cerbos-fastmcp is one: it checks tools, and never reads, gets or resource templates.`,
		Bad: `
-- manifest.json --
{"resources": [{"uri": "crm://customers", "name": "customers"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["resources/list"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Good: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json, enforcement: our-gateway}
enforcement:
  our-gateway:
    resources/list: {filter: call}
    resources/read: [{kind: mcp_resource, id: "{name}", action: read}]
policies: policies
principals: principals.yaml
-- manifest.json --
{"resources": [{"uri": "crm://customers", "name": "customers"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_resource
  version: default
  rules:
    - {actions: [read], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Fix:       "Guard it in the server, or accept it in mcpolicy.yaml with a waiver.",
		Standards: noPolicyDecides,
	},
	Check: func(p *Pass) {
		for _, col := range p.Matrix.Columns {
			if col.Question.Guarded() || col.Question.TaskOnly {
				continue
			}
			method := pep.Endpoint(col.Item.Type, col.Operation)
			f := about(col)
			f.Cause = col.Server.Name
			f.Evidence = []string{fmt.Sprintf("%s asks nothing on %s, so no policy can refuse it.", col.Server.Profile.Name, method)}
			if len(p.Matrix.Classes) > 0 {
				can := " all can."
				if n := size(p.Matrix.Classes); n == 1 || n > people+1 { // "all 300 principals" says all already
					can = " can."
				}
				f.Evidence[0] += " " + p.names(p.Matrix.Classes) + can
			}
			p.report(draft{
				Finding: f, endpoint: method, subject: verb(col.Operation) + " " + col.Item.Name, say: anyoneCan,
			})
		}
	},
}

// anyoneCan says what anyone can do: see, call, get and read what.
func anyoneCan(e *effects) string {
	var parts []string
	for _, op := range []authz.Operation{authz.List, authz.Call, authz.Get, authz.Read} {
		var open effects
		for _, i := range e.items {
			if slices.Contains(e.subjects, verb(op)+" "+i.Name) && (op == authz.List || i.Type.Use() == op) {
				open.items = append(open.items, i)
			}
		}
		if len(open.items) > 0 {
			parts = append(parts, verb(op)+" "+open.listed())
		}
	}
	return "anyone who connects can " + listing(parts, len(parts))
}
