package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// noPolicyForResource flags kinds, versions and scopes that the enforcement
// point asks about and no policy covers, for any of the principals.
var noPolicyForResource = &Rule{
	ID:       "no-policy-for-resource",
	Family:   unguarded,
	Severity: authz.SeverityError,
	Doc: Doc{
		Summary: "The enforcement point asks about a kind, version or scope that no policy covers",
		Rationale: `Cerbos denies what no policy is about, so nothing is open. But nobody decided it either: the
kind is misspelt on one of the two sides, the policy is not deployed, or the server was never thought of. The
first policy that matches by accident opens it. An enforcement point that lets pass what no policy covers,
as synapse-claude does, leaves it open to everybody.`,
		Bad: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json, with: {resourceKind: mcp_crm}}
policies: policies
principals: principals.yaml
` + uncoveredWorld,
		Good: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json, with: {resourceKind: mcp_server}}
policies: policies
principals: principals.yaml
` + uncoveredWorld,
		Fix:       "Write a resource policy for it, or correct what the enforcement point sends.",
		Standards: noPolicyDecides,
	},
	Check: func(p *Pass) {
		for _, u := range p.answers.uncovered {
			var items []string
			for _, col := range u.columns {
				if !slices.Contains(items, col.Item.Name) {
					items = append(items, col.Item.Name)
				}
			}
			f := Finding{
				Server: u.server.Name, Pos: p.declared(u.server),
				Message:  fmt.Sprintf("no policy covers %s, which %s asks about for %s", u.target, u.server.Profile.Name, u.server.Name),
				Evidence: []string{fmt.Sprintf("It is asked about %s: denied to everybody, because nobody decided.", listing(items, named))},
			}
			if u.server.Profile.PassesUncovered() {
				f.Evidence[0] = fmt.Sprintf("It is asked about %s: open to everybody, because it lets pass what no policy covers.", listing(items, named))
			}
			if near := source.DidYouMean(u.target.Kind, kindsAsked(p)); near != "" {
				f.Evidence = append(f.Evidence, fmt.Sprintf("There are policies for other kinds%s.", near))
			}
			p.report(draft{Finding: f})
		}
	},
}

// kindsAsked lists the resources that policies are about.
func kindsAsked(p *Pass) []string {
	if p.Policies == nil {
		return nil
	}
	var kinds []string
	for _, x := range p.Policies.Policies {
		if x.Kind == policy.ResourcePolicy && !x.Disabled && !slices.Contains(kinds, x.Name) {
			kinds = append(kinds, x.Name)
		}
	}
	return kinds
}

const uncoveredWorld = `-- manifest.json --
{"tools": [{"name": "greet"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list", "tools/list::greet", "tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
`
