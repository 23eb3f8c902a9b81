package lint

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
)

// mappingArgumentOptional flags mappings for AuthZEN that need an argument which a call may
// leave out.
var mappingArgumentOptional = &Rule{
	ID:       "mapping-argument-optional",
	Family:   inInventory,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "The mapping that a tool declares for AuthZEN refuses calls without an argument that the inputSchema does not ask for",
		Rationale: `An expression of a mapping that reads an argument which is not there fails, and an enforcement point that
follows AuthZEN's binding for MCP (COAZ-MCP, draft 1) refuses the call with -32602 before any policy is asked. Where
the inputSchema lets a call leave the argument out, that hits calls that are right, whoever makes them. With ` + "`.?`" + `
in place of the dot the key is left out of the request instead; a condition on it has to expect that. What is
required of an evaluation, its types, ids and action, cannot be left out, and wants a value in its place.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_customer", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}, "case": {"type": "string"}}, "required": ["id"],
  "x-authzen-mapping": {"evaluation": {"action": {"name": "read"}, "resource": {"type": "customer", "id": "$params.arguments.id", "properties": {"case": "$params.arguments.case"}}}}}}]}
` + hiddenPolicy,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_customer", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}, "case": {"type": "string"}}, "required": ["id"],
  "x-authzen-mapping": {"evaluation": {"action": {"name": "read"}, "resource": {"type": "customer", "id": "$params.arguments.id", "properties": {"case": "$params.arguments.?case"}}}}}}]}
` + hiddenPolicy,
		Fix: "Write .? before the argument in the mapping, or require it in the inputSchema.",
	},
	Check: func(p *Pass) {
		reportMappings(p, "calls of the tool %s that its inputSchema allows are refused by its mapping", stated(func(f coaz.Fact) string {
			if f.Kind != coaz.OptionalArgument {
				return ""
			}
			return fmt.Sprintf("%s needs the argument %s, which a call may leave out", f.Part, strings.Join(f.Path, "."))
		}))
	},
}
