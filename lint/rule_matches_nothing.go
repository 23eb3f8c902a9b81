package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/policy"
)

// ruleMatchesNothing flags actions of rules that match no operation on any
// item. It is silent about policies for kinds that no server sends, unless the
// kind is a slip of one; about list actions where there is nothing to list; and
// about what may be meant for an item that an incomplete inventory lacks.
var ruleMatchesNothing = &Rule{
	ID:       "rule-matches-nothing",
	Family:   unreachable,
	Severity: authz.SeverityWarning,
	Least:    authz.ConfidenceMedium,
	Doc: Doc{
		Summary: "A rule's action matches no operation on any item",
		Rationale: "The rule does nothing: the tool is gone or misspelt, or the pattern stops short. In a pattern `:` is the " +
			"only separator: `tools/call::*` matches `tools/call::greet`, but `tools/call:*` and `tools/*` do not. A grant " +
			"for a tool that is gone waits for the next tool of that name; a DENY that matches nothing denies nothing.",
		Bad: `
-- manifest.json --
{"tools": [{"name": "greet"}, {"name": "log_activity"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::log_activty"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["tools/call:*"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "greet"}, {"name": "log_activity"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::log_activity"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Fix:       "Correct the action, or take it out.",
		Standards: goneGrant,
	},
	Check: func(p *Pass) {
		if p.Policies == nil {
			return
		}
		misspelt := map[*policy.Policy]bool{}
		for r := range p.Policies.Rules() {
			targets := p.index.TargetsOf(r)
			if len(targets) == 0 {
				reportKind(p, r, misspelt)
				continue
			}
			v := newVocabulary(p, r, targets)
			for _, a := range r.Actions {
				if v.matches(a.Value) || v.excuses(a.Value) {
					continue
				}
				meant := v.meant(a.Value)
				p.report(draft{servers: p.index.ServerNames(r), Finding: Finding{
					Pos: a.Pos, Policy: r.ID, Server: p.index.OnlyServer(r),
					Message:  fmt.Sprintf("%s matches no operation on any item%s", a.Value, didYouMean(meant)),
					Evidence: append([]string{cite(r)}, v.pitfalls(a.Value)...),
					Edits:    v.correction(a, meant),
				}})
			}
		}
	},
}
