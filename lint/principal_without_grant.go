package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// principalWithoutGrant flags principals for whom there is no grant that a list is filtered
// by: everything shows to them then, or nothing does although they may use something. It
// reports once a list.
var principalWithoutGrant = &Rule{
	ID:       "principal-without-grant",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	ofEach:   true,
	Doc: Doc{
		Summary: "There is no grant for a principal, so that everything shows to it, or nothing",
		Rationale: `A gateway that filters lists by a grant has to do something where there is none. One that shows
everything then (missing: pass) shows most to those whom nobody thought of; that is a warning. One that shows nothing hides
from a principal what it may use; that is a note.`,
		Bad:       ungrantedWorld,
		Good:      ungrantedWorld + "  HR: [get_order]\n",
		Fix:       "Give them a grant, an empty one for nothing, or have lists without a grant be empty.",
		Standards: []string{"CWE-636", "CWE-1230"},
	},
	Check: func(p *Pass) {
		for _, col := range p.Matrix.Columns {
			g := col.Question.Grant
			if g == nil {
				continue
			}
			who := p.where(col, func(c *matrix.Cell) bool { return c.Grant.None })
			severity, becomes := authz.SeverityWarning, "shows"
			if g.Missing != authz.Pass {
				severity, becomes = authz.SeverityNote, "is hidden"
				who = p.among(who, col.Twin, possible)
			}
			if len(who) > 0 {
				p.report(ungranted(p, col, who, severity, becomes))
			}
		}
	},
}

// ungranted is the draft about an item that shows to classes without a grant, or does not.
func ungranted(p *Pass, list *matrix.Column, who []*matrix.Class, severity authz.Severity, becomes string) draft {
	s, g := list.Server, list.Question.Grant
	method := pep.Endpoint(list.Item.Type, authz.List)
	f := about(list)
	f.standAt(g.Pos, "")
	f.Severity, f.Cause = severity, causeOf(s.Name, method, g.String())
	f.Evidence = []string{fmt.Sprintf("%s filters %s by %s, and says missing: %s.", s.Profile.Name, method, g.String(), g.Missing)}
	return draft{Finding: f, who: wholly(who), endpoint: method, say: func(e *effects) string {
		text := fmt.Sprintf("%s %s no grant of %s", p.namesIn(e.who), plural(e.who.size(), "has", "have"), method)
		if becomes == "shows" {
			return text + fmt.Sprintf(": everything shows to them, %s", e.listed())
		}
		return text + fmt.Sprintf(": nothing shows to them, and they may use %s", e.listed())
	}}
}

const ungrantedWorld = `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json, enforcement: gateway}
enforcement:
  gateway:
    tools/list: {filter: grant, grant: {file: grants.yaml}, missing: pass}
    tools/call: [{kind: tool, id: "{name}", action: "{name}"}]
policies: policies
principals: principals.yaml
-- manifest.json --
{"tools": [{"name": "get_order"}]}
-- principals.yaml --
principals:
  sally: {id: sally, roles: [SALES]}
  harry: {id: harry, roles: [HR]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: tool
  version: default
  rules:
    - {actions: [get_order], effect: EFFECT_ALLOW, roles: [SALES, HR]}
-- grants.yaml --
roles:
  SALES: [get_order]
`
