package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// wildcardRole flags ALLOW rules for the role "*", by itself or as the parent
// of a derived role, that make a tool callable which is not read-only. It
// reports once a rule. A conditional rule has to let somebody pass who would
// not otherwise.
var wildcardRole = &Rule{
	ID:       "wildcard-role",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "An ALLOW rule for the role `*` makes a tool callable that is not read-only",
		Rationale: "The role `*` is everybody who has a token, those included whom nobody has declared: tomorrow's " +
			"contractor, the agent of another team. A derived role whose parent is `*` is no narrower.",
		Bad: `
-- manifest.json --
{"tools": [{"name": "log_activity"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::log_activity"], effect: EFFECT_ALLOW, roles: ["*"]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "log_activity"}, {"name": "get_customer", "annotations": {"readOnlyHint": true}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::get_customer"], effect: EFFECT_ALLOW, roles: ["*"]}
    - {actions: ["tools/call::log_activity"], effect: EFFECT_ALLOW, roles: [SALES]}
`,
		Fix:       "Name the roles.",
		Standards: tooManyMay,
	},
	Check: func(p *Pass) {
		for col := range p.calls() {
			if col.Item.ReadOnly() {
				continue
			}
			for _, w := range wildRules(p, col) {
				who := passBy(p, w.rule, col, w.request, !w.unconditional)
				if len(who) == 0 {
					continue
				}
				f := about(col)
				f.standAt(placeOfAll(w.rule), w.rule.ID)
				f.Cause, f.Evidence = keyOf(w.rule), []string{cite(w.rule), fmt.Sprintf("It lets %s through.", p.names(who))}
				p.report(draft{
					Finding: f, who: wholly(who),
					say: func(e *effects) string {
						return fmt.Sprintf("%s lets any role call %s", called(w.rule), e.listed())
					},
				})
			}
		}
	},
}

// A wildRule is an ALLOW for the role "*" and the request that it matches.
type wildRule struct {
	rule          *policy.Rule
	request       *authz.Request
	unconditional bool
}

// wildRules returns the rules that open an operation to any role: none, if one
// of the requests is not allowed by such a rule.
func wildRules(p *Pass, col *matrix.Column) []wildRule {
	var list []wildRule
	for _, a := range p.index.Asked(col) {
		before := len(list)
		for _, r := range a.Target.Rules(a.Action) {
			if wild, unconditional := forEverybody(p, r); wild && r.Effect == authz.Allow {
				list = append(list, wildRule{r, a.Request, unconditional})
			}
		}
		if len(list) == before {
			return nil
		}
	}
	return list
}
