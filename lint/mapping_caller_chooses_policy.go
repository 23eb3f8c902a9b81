package lint

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
)

// mappingCallerChoosesPolicy flags mappings for AuthZEN in which an argument decides in which scope
// or version the policies are asked.
var mappingCallerChoosesPolicy = &Rule{
	ID:       "mapping-caller-chooses-policy",
	Family:   inInventory,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "The mapping that a tool declares for AuthZEN takes the scope or the version of the policy out of an argument",
		Rationale: `Cerbos takes ` + "`cerbos.scope`" + ` and ` + "`cerbos.policyVersion`" + ` of a resource's properties for the scope and the version of the policies that
decide. Out of an argument, whoever calls chooses them: another tenant's policy, one that is still being written, or none that denies.`,
		Bad:       scopeChosenWorld + `"cerbos.scope": "$params.arguments.tenant"` + scopeChosenEnd,
		Good:      scopeChosenWorld + `"tenant": "$params.arguments.tenant"` + scopeChosenEnd,
		Fix:       "Take the scope out of a claim of the token, or leave it out and send the argument as an attribute.",
		Standards: []string{"CWE-807"},
	},
	Check: func(p *Pass) {
		reportMappings(p, "whoever calls the tool %s chooses by which policy", stated(func(f coaz.Fact) string {
			if f.Kind == coaz.ByCall && (strings.HasSuffix(f.Part, ".cerbos.scope") || strings.HasSuffix(f.Part, ".cerbos.policyVersion")) {
				return f.Part + " depends on the parameters of the call"
			}
			return ""
		}))
	},
}

const (
	scopeChosenWorld = `
-- manifest.json --
{"tools": [{"name": "read_note", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}, "tenant": {"type": "string"}}, "required": ["id", "tenant"],
  "x-authzen-mapping": {"evaluation": {"action": {"name": "read"}, "resource": {"type": "note", "id": "$params.arguments.id", "properties": {`
	scopeChosenEnd = `}}}}}}]}
` + hiddenPolicy
)
