package lint

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
)

// mappingStopsEarly flags mappings for AuthZEN that say how many of their evaluations are
// answered.
var mappingStopsEarly = &Rule{
	ID:       "mapping-stops-early",
	Family:   inInventory,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "The mapping that a tool declares for AuthZEN says after which of its evaluations to stop",
		Rationale: `All evaluations of a mapping have to be allowed. With ` + "`options.evaluations_semantic: permit_on_first_permit`" + ` the PDP answers up to the
first that is, so that an enforcement point which looks at the answers that it has got, and does not count them, takes one for all. The
mapping comes from the server, which is the party that the policies guard.`,
		Bad:  stoppingWorld + `"options": {"evaluations_semantic": "permit_on_first_permit"}, "evaluations": [{"action": {"name": "take"}}, {"action": {"name": "give"}}]}}}}]}` + "\n" + hiddenPolicy,
		Good: stoppingWorld + `"evaluations": [{"action": {"name": "take"}}, {"action": {"name": "give"}}]}}}}]}` + "\n" + hiddenPolicy,
		Fix:  "Take the options out of the mapping.",
	},
	Check: func(p *Pass) {
		reportMappings(p, "the mapping of the tool %s says after which evaluation to stop", stated(func(f coaz.Fact) string {
			if f.Kind == coaz.Semantic {
				return "evaluations_semantic can leave evaluations unanswered"
			}
			return ""
		}))
	},
}

const stoppingWorld = `
-- manifest.json --
{"tools": [{"name": "swap", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"],
  "x-authzen-mapping": {"evaluations": {"resource": {"type": "lot", "id": "$params.arguments.id"}, `
