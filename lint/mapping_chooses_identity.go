package lint

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
)

// mappingChoosesIdentity flags mappings for AuthZEN in which a server says who its callers
// are.
var mappingChoosesIdentity = &Rule{
	ID:       "mapping-chooses-identity",
	Family:   inInventory,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "The mapping that a tool declares for AuthZEN chooses the subject or the roles of whoever calls it",
		Rationale: `The mapping comes from the server, which is the party that the policies guard. Under AuthZEN's binding for MCP
(COAZ-MCP, draft 1) only a subject id that is ` + "`$token.sub`" + ` is held against the caller's token. Any other id is
what the server makes it, so that policies decide about somebody who does not call. Cerbos takes the roles out of
` + "`cerbos.roles`" + ` in the properties of the subject, and the type of the subject where there are none: a type other than
` + "`identity`" + `, or roles that are written in the mapping or worked out in it, are roles that the server gives to its
callers. Roles that are a claim of the token as it stands are the only ones that somebody else has vouched for, and
are not reported.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_customer", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"],
  "x-authzen-mapping": {"evaluation": {"subject": {"id": "$token.sub", "properties": {"cerbos.roles": ["SALES"]}},
    "action": {"name": "read"}, "resource": {"type": "customer", "id": "$params.arguments.id"}}}}}]}
` + hiddenPolicy,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_customer", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"],
  "x-authzen-mapping": {"evaluation": {"subject": {"id": "$token.sub", "properties": {"cerbos.roles": "$token.?roles"}},
    "action": {"name": "read"}, "resource": {"type": "customer", "id": "$params.arguments.id"}}}}}]}
` + hiddenPolicy,
		Fix:       "Leave the id and the type out, and take the roles from a claim of the token as it stands.",
		Standards: []string{"CWE-807", "OWASP MCP02:2025", "ASI03"},
	},
	Check: func(p *Pass) {
		reportMappings(p, "the mapping of the tool %s chooses who its callers are", stated(func(f coaz.Fact) string {
			switch f.Kind {
			case coaz.OwnSubject:
				return f.Part + " is not the subject of the token, and nothing holds it against the token"
			case coaz.OwnType:
				return f.Part + " is the role of whoever has no others"
			case coaz.OwnRoles:
				return f.Part + " gives roles that the token does not have"
			default:
				return ""
			}
		}))
	},
}
