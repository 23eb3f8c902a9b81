package lint

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/source"
)

// mappingReveals notes the attributes that mappings for AuthZEN give by themselves: every client
// that lists the tools reads them.
var mappingReveals = &Rule{
	ID:       "mapping-reveals",
	Family:   inInventory,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "The mapping that a tool declares for AuthZEN tells every client attributes that it gives",
		Rationale: `A mapping stands in the inputSchema of the tool, which each client gets with the list of tools, and so does a model. What it says of the
resource beside the call, how it is classified or whose it is, is no secret any more, and whoever wants to get round a policy knows what it goes by.`,
		Bad:  revealingWorld + `, "properties": {"classification": "restricted"}` + revealingEnd,
		Good: revealingWorld + revealingEnd,
		Fix:  "Keep what is internal in the policies, by the kind or the id of the resource.",
	},
	Check: func(p *Pass) {
		reportMappings(p, "the mapping of the tool %s tells clients attributes that it gives", func(m *coaz.Mapping, _ error) []*source.Error {
			if m == nil {
				return nil
			}
			var list []*source.Error
			for _, e := range m.Entries() {
				for _, part := range []*coaz.Value{e.Subject, e.Resource} {
					list = append(list, given(part.Get("properties"))...)
				}
			}
			return list
		})
	},
}

// given lists the properties that are written down.
func given(properties *coaz.Value) []*source.Error {
	if properties == nil {
		return nil
	}
	var list []*source.Error
	for _, f := range properties.Fields {
		if f.Value.Literal != nil && !strings.HasPrefix(f.Name, "cerbos.") {
			list = append(list, source.Errorf(f.Value.Pos, "%s", fmt.Sprintf("%s is %s", f.Value.Name, source.JSONText(f.Value.Literal))))
		}
	}
	return list
}

const (
	revealingWorld = `
-- manifest.json --
{"tools": [{"name": "get_customer", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"],
  "x-authzen-mapping": {"evaluation": {"action": {"name": "read"}, "resource": {"type": "customer", "id": "$params.arguments.id"`
	revealingEnd = `}}}}}]}
` + hiddenPolicy
)
