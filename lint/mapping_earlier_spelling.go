package lint

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
)

// mappingEarlierSpelling flags mappings for AuthZEN that no enforcement point of today
// reads.
var mappingEarlierSpelling = &Rule{
	ID:       "mapping-earlier-spelling",
	Family:   inInventory,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "A tool declares a mapping for AuthZEN under a key of an earlier draft",
		Rationale: `Earlier drafts of AuthZEN's binding for MCP had a tool's mapping under ` + "`x-coaz-mapping`" + `. Enforcement
points that follow the first draft under its present name read ` + "`x-authzen-mapping`" + ` alone, so the tool goes by the
default mapping: the policies are asked about the kind ` + "`tool`" + ` and the name of the tool, and see neither roles nor
arguments. Whoever wrote the mapping believes that they see them. The expressions have another form today too.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_customer", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"],
  "x-coaz-mapping": {"subject": {"type": "'user'", "id": "token.sub"}, "resource": {"type": "'customer'", "id": "params.arguments.id"}}}}]}
` + hiddenPolicy,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_customer", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"],
  "x-authzen-mapping": {"evaluation": {"action": {"name": "read"}, "resource": {"type": "customer", "id": "$params.arguments.id"}}}}}]}
` + hiddenPolicy,
		Fix: "Write the mapping under x-authzen-mapping, within evaluation or evaluations, with a $ before each expression.",
	},
	Check: func(p *Pass) {
		reportMappings(p, "no enforcement point reads the mapping of the tool %s", mistaken(coaz.Earlier))
	},
}
