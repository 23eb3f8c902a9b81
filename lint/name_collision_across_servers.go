package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// nameCollisionAcrossServers flags tools of one name on servers whose enforcement points
// ask different things before a call of it, or of which one asks nothing. It reports once
// for each set of servers. Where they ask the same, shared-resource-kind says so.
var nameCollisionAcrossServers = &Rule{
	ID:       "name-collision-across-servers",
	Family:   inInventory,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "Servers whose requests differ offer tools of one name: a client that merges them may call the other's",
		Rationale: `Many clients put the tools of all their servers into one list, and a name is all that a model calls. Which
server answers then hangs on the order of loading, and so does which policy is asked: a refusal of one server is passed
by with the other's tool, and a server that is added can take over a name that people trust.`,
		Bad: sharedServers + `
  crm: {manifest: crm.json, with: {resourceKind: mcp_crm}}
  payroll: {manifest: payroll.json, with: {resourceKind: mcp_payroll}}
` + collisionPolicy,
		Good: strings.Replace(sharedServers, `-- payroll.json --
{"tools": [{"name": "search"}]}`, `-- payroll.json --
{"tools": [{"name": "payroll_search"}]}`, 1) + `
  crm: {manifest: crm.json, with: {resourceKind: mcp_crm}}
  payroll: {manifest: payroll.json, with: {resourceKind: mcp_payroll}}
` + collisionPolicy,
		Fix:       "Give the tools names of their own, such as by the server's name in front, or have clients keep servers apart.",
		Standards: []string{"OWASP MCP03:2025", "ASI02"},
	},
	Check: func(p *Pass) {
		byName := map[string][]*matrix.Column{}
		var order []string
		for col := range p.calls() {
			if byName[col.Item.Name] == nil {
				order = append(order, col.Item.Name)
			}
			byName[col.Item.Name] = append(byName[col.Item.Name], col)
		}
		for _, name := range order {
			columns := byName[name]
			if servers := serversOf(columns); len(servers) > 1 && !asksTheSame(columns) {
				reportCollision(p, servers, columns)
			}
		}
	},
}

// asksTheSame reports whether the same is asked about all of some columns.
func asksTheSame(columns []*matrix.Column) bool {
	first := requestKey(columns[0])
	return !slices.ContainsFunc(columns, func(col *matrix.Column) bool { return requestKey(col) != first })
}

func reportCollision(p *Pass, servers []*matrix.Server, columns []*matrix.Column) {
	list := names(servers)
	name := columns[0].Item.Name
	for _, s := range servers {
		i := slices.IndexFunc(columns, func(col *matrix.Column) bool { return col.Server == s })
		f := about(columns[i])
		f.Cause = causeOf(list...)
		f.Fix = fmt.Sprintf("Give the tools names of their own, such as %s_%s, or have clients keep the servers apart.", servers[len(servers)-1].Name, name)
		for _, a := range p.index.Asked(columns[i]) {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s asks: %s on %s", s.Name, a.Action, a.Target))
		}
		if len(f.Evidence) == 0 {
			f.Evidence = []string{s.Name + " asks nothing"}
		}
		p.report(draft{Finding: f, servers: list, subject: name, say: func(e *effects) string {
			tools := slices.Sorted(slices.Values(e.subjects))
			return fmt.Sprintf("%s have tools of the same name, %s, and ask different things about them: a client that merges them may call the other's",
				listing(list, named), listing(tools, ItemsNamed))
		}})
	}
}

const collisionPolicy = `-- policies/mcp_crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_crm
  version: default
  rules:
    - {actions: ["tools/call::search"], effect: EFFECT_ALLOW, roles: [SALES]}
`
