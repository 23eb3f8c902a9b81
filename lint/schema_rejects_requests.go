package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// schemaRejectsRequests flags requests of the enforcement point that a schema
// refuses. That is an error where the engine acts upon it.
var schemaRejectsRequests = &Rule{
	ID:       "schema-rejects-requests",
	Family:   unguarded,
	Severity: authz.SeverityError,
	needs:    []need{needSchemas},
	Doc: Doc{
		Summary: "A resource or principal schema refuses what the enforcement point sends",
		Rationale: "Where `schema.enforcement` is `reject`, Cerbos denies a request that does not fit the schema, " + `before
any rule is looked at: one attribute that the schema does not know, under ` + "`additionalProperties: false`" + `, denies
everything. Otherwise it is a note: nothing happens today, but ` + "`cerbos compile`" + ` runs its tests as reject, and
who turns enforcement on in production turns the server off.`,
		Bad: schemaWorld + `{"type": "object", "properties": {"owner": {"type": "string"}}, "additionalProperties": false}
`,
		Good: schemaWorld + `{"type": "object", "properties": {"tool_name": {"type": "string"}, "source": {"type": "string"}, "arguments": {"type": "object"}}, "additionalProperties": false}
`,
		Fix:       "Let the schema say what the enforcement point sends.",
		Standards: []string{"NIST CSF 2.0 PR.AA-05"},
	},
	Check: func(p *Pass) {
		for _, r := range p.answers.refusals {
			f := Finding{Server: r.server.Name, Pos: r.server.Inventory.Pos}
			d := draft{}
			if ref := schemaRef(p, r); ref != nil {
				f.Pos = ref.Ref.Pos
				if s := p.Policies.Schema(ref); s != nil {
					f.Related = []Related{{source.Pos{File: s.File}, "the schema", false}}
				}
			}
			if r.principals {
				d.who = wholly(r.who)
				f.Message = fmt.Sprintf("the principal schema for %s refuses %s", r.target, p.names(r.who))
			} else {
				f.Message = fmt.Sprintf("the resource schema refuses %s about %s", portion(len(r.refused), r.sent), r.server.Name)
				if len(r.refused) < r.sent {
					f.Evidence = []string{fmt.Sprintf("refused: %s", listing(r.refused, named))}
				}
			}
			f.Evidence = append(f.Evidence, r.mistakes[:min(len(r.mistakes), some)]...)
			if more := len(r.mistakes) - some; more > 0 {
				f.Evidence = append(f.Evidence, fmt.Sprintf("and %d more", more))
			}
			if p.input.SchemasRejected {
				f.Evidence = append(f.Evidence, "The engine is set to reject: they are denied, whatever the rules say.")
			} else {
				f.Severity = authz.SeverityNote
				f.Evidence = append(f.Evidence, "The engine is not set to reject, so this changes no decision yet.")
			}
			d.Finding = f
			p.report(d)
		}
	},
}

// portion says how many requests of all.
func portion(n, of int) string {
	if n == of {
		return "every request"
	}
	return fmt.Sprintf("%d of the %d requests", n, of)
}

const schemaWorld = `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json}
policies: policies
principals: principals.yaml
engine: {schemaEnforcement: reject}
-- manifest.json --
{"tools": [{"name": "greet"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  schemas:
    resourceSchema: {ref: "cerbos:///tool.json"}
  rules:
    - {actions: ["tools/list", "tools/list::greet", "tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
-- policies/_schemas/tool.json --
`
