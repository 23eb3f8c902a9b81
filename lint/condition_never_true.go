package lint

import (
	"context"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/reason"
	"github.com/mcpolicy/mcpolicy/policy"
)

// conditionNeverTrue flags conditions that no request can meet. The condition
// of an ALLOW counts too if only calls meet it that the inputSchema refuses; a
// DENY of those is a second lock, and no finding. Items that may be added count,
// unless the rule names those that it is about.
var conditionNeverTrue = &Rule{
	ID:       "condition-never-true",
	Family:   unreachable,
	Severity: authz.SeverityWarning,
	needs:    []need{needConditions, needReads, needEvaluation},
	Doc: Doc{
		Summary: "A condition that no request can meet",
		Rationale: `A rule that never applies looks like access that somebody has, or like a prohibition that
protects something. An ALLOW of this kind sends its users to ask for more; a DENY of this kind denies nothing.
Where the rule would cover an item that is added tomorrow, that counts too: a condition that only the items of today
cannot meet is said to be so, and a DENY of that kind is a note.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "refund", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [SALES]}
    - actions: ["tools/call::refund"]
      effect: EFFECT_DENY
      roles: [SALES]
      condition: {match: {expr: "R.attr.arguments.amount > 500 && R.attr.arguments.amount < 50"}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "refund", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [SALES]}
    - actions: ["tools/call::refund"]
      effect: EFFECT_DENY
      roles: [SALES]
      condition: {match: {expr: "R.attr.arguments.amount > 500 || R.attr.arguments.amount < 50"}}
`,
		Fix:       "Correct the condition, or take the rule out.",
		Standards: append([]string{"CWE-570"}, deadRule...),
	},
	Ask: func(ctx context.Context, p *Pass) error {
		return eachVerdict(ctx, p, func(r *policy.Rule, v reason.Verdict) {
			f := Finding{
				Pos: r.Condition.Pos, Policy: r.ID, Server: p.index.OnlyServer(r),
				Evidence: []string{cite(r), quoteCondition(r)},
			}
			switch v {
			case reason.Never:
				f.Message = fmt.Sprintf("no request can meet the condition of %s", called(r))
			case reason.NeverWithin:
				f.Message = fmt.Sprintf("no call that an inputSchema allows can meet the condition of %s", called(r))
				if ofPrompts(p, r) {
					f.Message = fmt.Sprintf("no arguments that a prompt has can meet the condition of %s", called(r))
				}
			case reason.NeverToday:
				f.Message = fmt.Sprintf("no request about today's items can meet the condition of %s", called(r))
				f.Evidence = append(f.Evidence, "It could be met by an item that is added.")
				if r.Effect == authz.Deny { // a precaution
					f.Severity = authz.SeverityNote
				}
			case reason.Open, reason.Always:
				return
			}
			for _, m := range misnomersOf(p, r) {
				f.Evidence = append(f.Evidence, m.String())
				f.Fix = fmt.Sprintf("Write %q in place of %q.", m.meant, m.text)
				if m.sure {
					f.Severity = authz.SeverityWarning
				}
			}
			p.report(draft{Finding: f, servers: p.index.ServerNames(r)})
		})
	},
}

// ofPrompts reports whether a rule is about prompts alone.
func ofPrompts(p *Pass, r *policy.Rule) bool {
	return !slices.ContainsFunc(p.index.Covered(r), func(c coverage.Covering) bool { return c.Column.Item.Type != authz.PromptItem })
}
