package lint

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// sharedResourceKind flags servers whose enforcement points send the very same
// requests before a call of tools of the same name. It reports once for each
// set of servers.
var sharedResourceKind = &Rule{
	ID:       "shared-resource-kind",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "Two servers send identical requests for tools of the same name: one rule opens both",
		Rationale: `The policies cannot tell which of the servers is asked about. Whoever is granted search on the wiki
is granted search on the payroll, and no suite can say otherwise. It happens where the resource kind is left at its
default on every server.`,
		Bad: sharedServers + `
  crm: {manifest: crm.json}
  payroll: {manifest: payroll.json}
-- policies/mcp_server.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::search"], effect: EFFECT_ALLOW, roles: [SALES]}
`,
		Good: sharedServers + `
  crm: {manifest: crm.json, with: {resourceKind: mcp_crm}}
  payroll: {manifest: payroll.json, with: {resourceKind: mcp_payroll}}
-- policies/mcp_crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_crm
  version: default
  rules:
    - {actions: ["tools/call::search"], effect: EFFECT_ALLOW, roles: [SALES]}
`,
		Fix:       "Give each server a resource kind of its own (with.resourceKind), there and in the policies.",
		Standards: []string{"CWE-1220", "OWASP MCP02:2025", "ASI03", "NIST CSF 2.0 PR.AA-05"},
	},
	Check: func(p *Pass) {
		same := map[string][]*matrix.Column{}
		for col := range p.calls() {
			if key := requestKey(col); key != "" {
				same[key] = append(same[key], col)
			}
		}
		for _, columns := range same { // in any order: findings are sorted
			servers := serversOf(columns)
			if len(servers) < 2 {
				continue
			}
			list, first, last := names(servers), columns[0], columns[len(columns)-1]
			f := Finding{Pos: p.declared(servers[1]), Cause: causeOf(list...)}
			for _, a := range p.index.Asked(first) {
				f.Evidence = append(f.Evidence, fmt.Sprintf("asked: %s on %s, whichever server it is", a.Action, a.Target))
			}
			for _, col := range []*matrix.Column{first, last} {
				f.Related = append(f.Related, Related{col.Item.Pos, fmt.Sprintf("tool %s of %s", col.Item.Name, col.Server.Name), true})
			}
			p.report(draft{
				Finding: f, servers: list, subject: first.Item.Name,
				say: func(e *effects) string {
					tools := slices.Sorted(slices.Values(e.subjects))
					return fmt.Sprintf("%s send identical requests for %s: one rule opens %s", listing(list, named), listing(tools, named),
						plural(len(list)-1, "both", "all of them"))
				},
			})
		}
	},
}

// requestKey returns a text that calls share for which the same is asked about
// tools of the same name, or "" where nothing is asked.
func requestKey(col *matrix.Column) string {
	requests := coverage.Plain(col).Question.Requests
	if len(requests) == 0 {
		return ""
	}
	key, err := json.Marshal(struct {
		Name     string
		Requests []authz.Request
	}{col.Item.Name, requests})
	if err != nil {
		return "" // never: attributes are JSON values
	}
	return string(key)
}

// serversOf lists the servers of columns, in the order of the matrix.
func serversOf(columns []*matrix.Column) []*matrix.Server {
	var list []*matrix.Server
	for _, col := range columns {
		if !slices.Contains(list, col.Server) {
			list = append(list, col.Server)
		}
	}
	return list
}

const sharedServers = `
-- crm.json --
{"tools": [{"name": "search"}]}
-- payroll.json --
{"tools": [{"name": "search"}]}
-- mcpolicy.yaml --
policies: policies
principals: principals.yaml
servers:`
