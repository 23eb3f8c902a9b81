package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// roleNotShown flags rules for a role that declared principals have and no enforcement point
// shows to policies where the rule is asked: it never applies. A DENY fails open, which a
// call shows that the engine allows.
var roleNotShown = &Rule{
	ID:       "role-not-shown",
	Family:   inPolicy,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "A rule is for a role that the enforcement point does not send",
		Rationale: "On the default mappings of AuthZEN's binding for MCP (COAZ-MCP, draft 1) everybody has the one role `identity`, whatever the token says; " +
			"on a mapping that a tool declares, the roles that it picks, and then `identity` is none of them. A rule for another role never applies: what it allows nobody " +
			"may do, and what it denies it does not deny.",
		Bad:  shownWorld + `    - {name: no-scrapping, actions: [tools/call], effect: EFFECT_DENY, roles: [visitor], condition: {match: {expr: 'R.id == "scrap_object"'}}}` + "\n",
		Good: shownWorld + `    - {name: no-scrapping, actions: [tools/call], effect: EFFECT_DENY, roles: [identity], condition: {match: {expr: 'P.id == "vito" && R.id == "scrap_object"'}}}` + "\n",
		Fix:  "Have the tool declare a mapping that sends the roles, or write the rule for identity and tell people apart by P.id.",
	},
	Check: func(p *Pass) {
		if p.Policies == nil {
			return
		}
		shown := map[*matrix.Column][]string{}
		for r := range p.Policies.Rules() {
			if r.Policy.Kind != policy.ResourcePolicy || len(r.DerivedRoles) > 0 {
				continue
			}
			var columns []*matrix.Column
			others := true
			for _, of := range p.index.Covered(r) {
				others = others && of.Column.ShowsOthers()
				columns = append(columns, of.Column)
			}
			if !others || len(columns) == 0 {
				continue
			}
			var sent []string
			for _, col := range columns {
				if shown[col] == nil {
					shown[col] = rolesShown(p, col)
				}
				sent = append(sent, shown[col]...)
			}
			for _, role := range r.Roles {
				matches := func(held string) bool { return matchesRole(role.Value, held) }
				who := wholly(p.Matrix.Classes).where(func(who *authz.Principal) bool { return slices.ContainsFunc(who.Roles, matches) })
				if matches(everybody) {
					who = wholly(p.Matrix.Classes)
				}
				if slices.ContainsFunc(sent, matches) || len(who) == 0 || len(sent) == 0 {
					continue
				}
				reportNotShown(p, r, role, columns, who, sent)
			}
		}
	},
}

// everybody is the role of whoever has no others, on mappings that send none.
const everybody = "identity"

// reportNotShown reports a role of a rule that never gets to it.
func reportNotShown(p *Pass, r *policy.Rule, role policy.Text, columns []*matrix.Column, who crowd, sent []string) {
	slices.Sort(sent)
	f := Finding{
		Pos: role.Pos, Policy: r.ID, Server: p.index.OnlyServer(r), Cause: causeOf(keyOf(r), role.Value),
		Message:  fmt.Sprintf("rule %q is for %s, a role that %s does not send there", r.Label(), role.Value, columns[0].Server.Profile.Name),
		Evidence: []string{fmt.Sprintf("The roles that policies see there: %s.", listing(slices.Compact(sent), people)), cite(r)},
	}
	if r.Effect == authz.Deny {
		for _, col := range columns {
			open := who.where(func(who *authz.Principal) bool {
				c := p.cell(p.Matrix.ClassOf(who.Key), col)
				return granted(c) && slices.ContainsFunc(p.index.Asked(col), func(a coverage.Asked) bool { return coverage.Covers(r, a.Request) })
			})
			if len(open) > 0 && col.Operation != authz.List {
				f.Severity = authz.SeverityError
				f.Evidence = append(f.Evidence, fmt.Sprintf("%s may %v %s.", p.namesIn(open), col.Operation, col.Item.Name))
				break
			}
		}
	}
	p.report(draft{Finding: f, servers: p.index.ServerNames(r), who: who})
}

const shownWorld = `
-- mcpolicy.yaml --
servers:
  depot: {manifest: manifest.json, enforcement: coaz, with: {aud: "https://depot.example/mcp"}}
policies: policies
principals: principals.yaml
-- principals.yaml --
principals:
  rosa: {id: rosa, roles: [curator]}
  vito: {id: vito, roles: [visitor]}
-- manifest.json --
{"tools": [{"name": "find_object", "annotations": {"readOnlyHint": true}}, {"name": "scrap_object"}]}
-- policies/tool.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: tool
  version: default
  rules:
    - {name: tools, actions: [tools/call], effect: EFFECT_ALLOW, roles: [identity]}
`
