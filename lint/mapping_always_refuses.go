package lint

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/source"
)

// mappingAlwaysRefuses flags mappings for AuthZEN that let nobody call their tool,
// whatever the policies say.
var mappingAlwaysRefuses = &Rule{
	ID:       "mapping-always-refuses",
	Family:   inInventory,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "The mapping that a tool declares for AuthZEN makes a request that nobody can be allowed",
		Rationale: `A tool can say in ` + "`x-authzen-mapping`" + ` of its inputSchema what an enforcement point that follows AuthZEN's
binding for MCP (COAZ-MCP, draft 1) asks about a call. If the mapping is malformed, such a point refuses every call
with -32602 and asks nobody. If what it makes is no evaluation, as with an id that is a number or an attribute
beside ` + "`properties`" + `, Cerbos answers with status 400, and the point refuses every call too. No policy can
change that, and a gateway notices only once the tool list has passed it: before, the default mapping counts.
Enforcement points that follow another profile do not read the mapping.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_customer", "inputSchema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"],
  "x-authzen-mapping": {"evaluation": {"action": {"name": "read"}, "resource": {"type": "customer", "id": "$params.arguments.id"}}}}}]}
` + hiddenPolicy,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_customer", "inputSchema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"],
  "x-authzen-mapping": {"evaluation": {"action": {"name": "read"}, "resource": {"type": "customer", "id": "$string(int(params.arguments.id))"}}}}}]}
` + hiddenPolicy,
		Fix: "Mend the mapping in the server, or take it out so that the default mapping counts.",
	},
	Check: func(p *Pass) {
		reportMappings(p, "the mapping of the tool %s refuses every call", mistaken(coaz.Malformed, coaz.Invalid))
	},
}

// reportMappings reports the tools in whose mappings something is found, each tool at the
// first of it.
func reportMappings(p *Pass, message string, find func(*coaz.Mapping, error) []*source.Error) {
	for _, s := range p.Matrix.Servers {
		for _, i := range s.Inventory.Items {
			if i.Type != authz.ToolItem {
				continue
			}
			list := find(coaz.Parse(i.Schema))
			if len(list) == 0 {
				continue
			}
			f := Finding{Server: s.Name, Type: i.Type, Name: i.Name, Pos: list[0].Pos, Message: fmt.Sprintf(message, i.Name)}
			for _, one := range list {
				f.Evidence = addSome(f.Evidence, []string{source.Printable(one.Err.Error())})
			}
			p.report(draft{Finding: f})
		}
	}
}

// mistaken finds the mistakes of some kinds.
func mistaken(kinds ...coaz.MistakeKind) func(*coaz.Mapping, error) []*source.Error {
	return func(_ *coaz.Mapping, err error) []*source.Error {
		var list []*source.Error
		for _, one := range source.Mistakes(err) {
			var at *source.Error
			var m *coaz.Mistake
			if errors.As(one, &at) && errors.As(one, &m) && slices.Contains(kinds, m.Kind) {
				list = append(list, at)
			}
		}
		return list
	}
}

// stated finds facts about mappings, and says of each what describe makes of it, if anything.
func stated(describe func(coaz.Fact) string) func(*coaz.Mapping, error) []*source.Error {
	return func(m *coaz.Mapping, _ error) []*source.Error {
		if m == nil {
			return nil
		}
		var list []*source.Error
		for _, f := range m.Facts() {
			if text := describe(f); text != "" {
				list = append(list, source.Errorf(f.Pos, "%s", text))
			}
		}
		return list
	}
}
