package lint

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// roleClaimIsText flags principals whose roles, on a mapping for AuthZEN, are a claim that is no
// list: policies see the type of the subject in the place of roles.
var roleClaimIsText = &Rule{
	ID:       "role-claim-is-text",
	Family:   unreachable,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "The claim that a mapping for AuthZEN takes roles from is no list for some principal",
		Rationale: `Cerbos takes the roles out of the list ` + "`cerbos.roles`" + ` in the properties of the subject. A claim that is one text, as an identity provider
writes it for whoever has one role, is ignored: the one role is the type of the subject, identity, and no rule for the role applies, be it to allow or to deny.`,
		Bad:  claimedWorld + "  rosa: {id: rosa, roles: [staff], attr: {duties: curator}}\n",
		Good: claimedWorld + "  rosa: {id: rosa, roles: [staff], attr: {duties: [curator]}}\n",
		Fix:  "Make a list of it in the mapping, $[token.x] where it is a text, or have the token carry one.",
	},
	Check: func(p *Pass) {
		for col := range p.calls() {
			if !col.ShowsOthers() {
				continue
			}
			m, _ := coaz.Parse(col.Item.Schema)
			if m == nil {
				continue
			}
			for _, f := range m.Facts() {
				if f.Kind != coaz.ClaimedRoles {
					continue
				}
				for _, c := range p.Matrix.Classes {
					v, there := col.Server.Profile.Claim(c.First(), f.Path)
					if _, isList := v.([]any); isList || !there {
						continue
					}
					claim := strings.Join(f.Path, ".")
					p.report(draft{
						Finding: Finding{
							Pos: f.Pos, Server: col.Server.Name, Type: col.Item.Type, Name: col.Item.Name, Cause: causeOf(col.Server.Name, claim),
							Evidence: []string{fmt.Sprintf("The claim of %s: %s.", c.First().Key, source.JSONText(v))},
						},
						who: wholly([]*matrix.Class{c}), say: func(e *effects) string {
							return fmt.Sprintf("%s %s by the mapping of %s, for the claim %s is no list", p.namesIn(e.who), plural(e.who.size(), "has no roles", "have no roles"), listing(e.subjects, named), claim)
						},
					})
				}
			}
		}
	},
}

const claimedWorld = `
-- mcpolicy.yaml --
servers:
  depot: {manifest: manifest.json, enforcement: coaz, with: {aud: "https://depot.example/mcp"}}
policies: policies
principals: principals.yaml
-- manifest.json --
{"tools": [{"name": "scrap", "inputSchema": {"type": "object", "properties": {"object": {"type": "string"}}, "required": ["object"], "x-authzen-mapping": {"evaluation": {
  "subject": {"properties": {"cerbos.roles": "$token.?duties"}}, "action": {"name": "scrap"}, "resource": {"type": "object", "id": "$params.arguments.object"}}}}}]}
-- policies/object.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: object
  version: default
  rules:
    - {name: scrap, actions: [scrap], effect: EFFECT_ALLOW, roles: [curator]}
-- principals.yaml --
principals:
`
