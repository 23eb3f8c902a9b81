package lint

import (
	"context"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// defaultMappingWider flags tools whose calls the default mapping of AuthZEN's binding for MCP
// allows to somebody to whom the mapping that they declare does not, or not always. The engine decides both.
var defaultMappingWider = &Rule{
	ID:       "default-mapping-wider",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "Before a gateway has seen the list of tools, a tool may be called that its own mapping denies",
		Rationale: "A gateway that follows AuthZEN's binding for MCP (COAZ-MCP, draft 1) learns the mapping of a tool from the `tools/list` answers " +
			"that pass it. Until then it asks about a call by the default mapping: `tools/call` on the resource `tool`, with nothing but the tool's name. " +
			"What a policy allows there, it allows to a client that has not asked for the list.",
		Bad:  mappedWorld + `      condition: {match: {expr: 'R.id in ["find_object", "scrap_object"]'}}` + "\n",
		Good: mappedWorld + `      condition: {match: {expr: R.id == "find_object"}}` + "\n",
		Fix:  "Allow by the default mapping only what declares none: name the tools in the rule for the kind tool.",
	},
	Ask: func(ctx context.Context, p *Pass) error {
		for col := range p.calls() {
			plain, has := col.Server.Profile.ByDefault(matrix.ProfileItem(col.Item))
			if !has {
				continue
			}
			other := *col
			other.Question = plain
			var who []*authz.Principal
			for _, c := range p.Matrix.Classes {
				who = append(who, c.First())
			}
			cells, err := p.Matrix.Look(ctx, &other, who)
			if err != nil {
				return err
			}
			var wider []*matrix.Class
			var by []matrix.Rule
			for i, c := range p.Matrix.Classes {
				if declared := p.cell(c, col); cells[i].Access == matrix.Allowed && declared.Access != matrix.Allowed {
					wider = append(wider, c)
					by = cells[i].Decisive()
				}
			}
			if len(wider) == 0 {
				continue
			}
			f := about(col)
			f.blame(by)
			f.Cause = causeOf(f.Policy, col.Server.Name)
			for i, c := range wider {
				if i == named {
					break
				}
				f.Evidence = append(f.Evidence, fmt.Sprintf("By the mapping of %s, %s: %s.", col.Item.Name, c.First().Key, wordsOf(p.cell(c, col))))
			}
			p.report(draft{Finding: f, who: wholly(wider), say: func(e *effects) string {
				return fmt.Sprintf("%s may call %s before the list of tools has passed the gateway, and not always after", p.namesIn(e.who), listing(e.subjects, named))
			}})
		}
		return nil
	},
}

// wordsOf says in a few words what a cell is.
func wordsOf(c *matrix.Cell) string {
	switch {
	case c.Access == matrix.Conditional:
		return "allowed " + c.Condition.When()
	case c.Refusal != nil:
		return fmt.Sprintf("refused with %d", c.Refusal.Code)
	}
	return c.Access.String()
}

const mappedWorld = `
-- mcpolicy.yaml --
servers:
  depot: {manifest: manifest.json, enforcement: coaz, with: {aud: "https://depot.example/mcp"}}
policies: policies
principals: principals.yaml
-- principals.yaml --
principals:
  rosa: {id: rosa, roles: [curator]}
-- manifest.json --
{"tools": [{"name": "find_object", "annotations": {"readOnlyHint": true}},
  {"name": "scrap_object", "inputSchema": {"type": "object", "properties": {"object": {"type": "string"}}, "required": ["object"], "x-authzen-mapping": {"evaluation": {
    "action": {"name": "scrap"}, "resource": {"type": "object", "id": "$params.arguments.object"}}}}}]}
-- policies/tool.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: tool
  version: default
  rules:
    - name: tools
      actions: [tools/call]
      effect: EFFECT_ALLOW
      roles: [identity]
`
