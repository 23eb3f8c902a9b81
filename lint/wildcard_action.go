package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/policy"
)

// wildcardAction flags patterns that grant calls on tools which no rule names.
// It reports once a pattern.
var wildcardAction = &Rule{
	ID:       "wildcard-action",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	needs:    []need{needReads},
	Doc: Doc{
		Summary: "A glob grants calls on a tool that no rule names: tomorrow's tool would be open at once",
		Rationale: `Who wrote the pattern had the tools of that day in mind. A tool that is added later, or renamed,
is granted without anybody looking at it. A tool is named by a rule with its exact call action, allowing or denying;
a list action does not count.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_customer"}, {"name": "export_customers"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_customer"}, {"name": "export_customers"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::get_customer", "tools/call::export_customers"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Fix:       "Name the tools.",
		Standards: tooManyMay,
	},
	Check: func(p *Pass) {
		for col := range p.calls() {
			asked := p.index.Specific(col)
			if slices.ContainsFunc(asked, func(a coverage.Asked) bool { return len(p.namedBy(a, col)) > 0 }) {
				continue
			}
			for _, a := range asked {
				for _, r := range a.Target.Patterns() {
					for _, glob := range r.Actions {
						if ok, err := r.MatchAction(glob.Value, a.Action); r.Effect != authz.Allow || !ok || err != nil {
							continue
						}
						who := passBy(p, r, col, a.Request, false)
						if len(who) == 0 {
							continue
						}
						f := about(col)
						f.Related = []Related{{f.Pos, "tool " + f.Name}}
						f.Pos, f.Policy = glob.Pos, r.ID
						f.Evidence = []string{cite(r), fmt.Sprintf("It lets %s through.", p.names(who))}
						p.report(draft{
							Finding: f, who: who, group: glob.Pos.String() + glob.Value, subject: col.Item.Name,
							say: func(tools []string) string { return opens(glob, tools) },
						})
					}
				}
			}
		}
	},
}

func opens(glob policy.Text, tools []string) string {
	slices.Sort(tools)
	return fmt.Sprintf("%s opens %s, which no rule names", glob.Value, listing(tools, named))
}
