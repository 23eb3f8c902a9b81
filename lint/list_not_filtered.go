package lint

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// listNotFiltered flags lists that show every item or none. It reports once a
// server.
var listNotFiltered = &Rule{
	ID:       "list-not-filtered",
	Family:   unguarded,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "A list is gated as a whole or not at all, so every item shows to whoever passes",
		Rationale: `Names and descriptions are information: they tell what a company does with its data, and
what there is to be talked into. Where the enforcement point asks once for the whole list, or not at all, a
policy cannot hide one item from one principal.`,
		Bad: `
-- manifest.json --
{"prompts": [{"name": "account_review"}, {"name": "layoff_plan"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["prompts/list"], effect: EFFECT_ALLOW, roles: [SALES, HR]}
`,
		Good: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json, enforcement: our-gateway}
enforcement:
  our-gateway:
    prompts/list: {filter: call}
    prompts/get: [{kind: mcp_prompt, id: "{name}", action: "get::{name}"}]
policies: policies
principals: principals.yaml
-- manifest.json --
{"prompts": [{"name": "account_review"}, {"name": "layoff_plan"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_prompt
  version: default
  rules:
    - {actions: ["get::account_review"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["get::layoff_plan"], effect: EFFECT_ALLOW, roles: [HR]}
`,
		Fix:       "Filter the list in the server, by the decision on each item.",
		Standards: []string{"CWE-1220", "CWE-1230", "OWASP MCP10:2025"},
	},
	Check: func(p *Pass) {
		for _, col := range p.Matrix.Columns {
			if col.Operation != authz.List {
				continue
			}
			s, method := col.Server, pep.Endpoint(col.Item.Type, authz.List)
			f := about(col)
			f.Cause = s.Name
			gated := s.Profile.Filter(col.Item.Type) == authz.FilterGate
			switch {
			case gated:
				passing := p.where(col, granted)
				f.Evidence = []string{fmt.Sprintf("%s asks once on %s, never about one of the items.", s.Profile.Name, method)}
				if len(passing) > 0 {
					f.Evidence[0] += " " + p.names(passing) + plural(size(passing), " passes.", " pass.")
				}
			case !col.Question.Guarded():
				f.Evidence = []string{fmt.Sprintf("%s asks nothing on %s.", s.Profile.Name, method)}
			default:
				continue
			}
			p.report(draft{Finding: f, endpoint: method, subject: whoever[gated] + "\x00" + col.Item.Name, say: everythingShows(s)})
		}
	},
}

// whoever says who sees a list, by whether it is gated.
var whoever = map[bool]string{false: "anyone who connects", true: "whoever passes the gate"}

func everythingShows(s *matrix.Server) func(*effects) string {
	return func(e *effects) string {
		var parts []string
		for _, gated := range []bool{false, true} {
			var shown effects
			for _, subject := range e.subjects {
				if name, ok := strings.CutPrefix(subject, whoever[gated]+"\x00"); ok {
					shown.items = append(shown.items, filter(e.items, func(i Item) bool { return i.Name == name })...)
				}
			}
			if len(shown.items) > 0 {
				parts = append(parts, fmt.Sprintf("%s sees every one of %s: %s", whoever[gated], s.Name, shown.listed()))
			}
		}
		return strings.Join(parts, "; ")
	}
}
