package lint

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
)

// mappingNumberAsText flags mappings for AuthZEN that make an id, a kind or an action of a
// number as it is.
var mappingNumberAsText = &Rule{
	ID:       "mapping-number-as-text",
	Family:   inInventory,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "The mapping that a tool declares for AuthZEN makes an id or an action of a number as it is",
		Rationale: `The numbers of a call are doubles in a mapping, so ` + "`string(params.arguments.lot)`" + ` of 1234567 is 1.234567e+06. A rule
about the id 1234567 does not apply: what it allows is denied, and what it denies is not.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_lot", "inputSchema": {"type": "object", "properties": {"lot": {"type": "integer"}}, "required": ["lot"],
  "x-authzen-mapping": {"evaluation": {"action": {"name": "read"}, "resource": {"type": "lot", "id": "$string(params.arguments.lot)"}}}}}]}
` + hiddenPolicy,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_lot", "inputSchema": {"type": "object", "properties": {"lot": {"type": "integer"}}, "required": ["lot"],
  "x-authzen-mapping": {"evaluation": {"action": {"name": "read"}, "resource": {"type": "lot", "id": "$string(int(params.arguments.lot))"}}}}}]}
` + hiddenPolicy,
		Fix: "Make a whole number of it first: string(int(params.arguments.x)).",
	},
	Check: func(p *Pass) {
		reportMappings(p, "the mapping of the tool %s makes a text of a number", stated(func(f coaz.Fact) string {
			if f.Kind == coaz.NumberAsText {
				return f.Part + " is made of a number, which is a double: 1234567 becomes 1.234567e+06"
			}
			return ""
		}))
	},
}
