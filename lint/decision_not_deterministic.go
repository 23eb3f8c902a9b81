package lint

import (
	"context"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// decisionNotDeterministic flags rules of which the engine keeps one condition
// for several, or one outcome, roles whose parents it may mistake, and under
// strict evaluation principals that are decided by the order of their roles. It
// looks at all policies, whatever they are about, where any of them may take a
// condition over.
var decisionNotDeterministic = &Rule{
	ID:       "decision-not-deterministic",
	Family:   inPolicy,
	Severity: authz.SeverityError,
	needs:    []need{needConditions, needConfusion},
	Doc: Doc{
		Summary: "Two fresh loads of the same policies, or two orders of the same roles, decide differently",
		Rationale: `Cerbos 0.55 stores the conditions of rules by a hash of their expressions, which leaves out whether
all, any or none of them have to be met. Two rules about the same action, of different policies, with the same
effect, expressions, variables and constants, and another operator, share whichever condition is loaded first. What
a request comes to then changes from one start of the PDP to the next, and a rule that asks for all may be met by any.

Within one request it keeps what a condition came to by the name of the rule in a principal policy, and by its number
for a resource in a role policy. Where two resources match the same request, rules of one name or number share what
the first of them came to, and which is the first is chance. So is which parent roles a role has, if the role policies
of its versions disagree.

Where evaluation is strict, Cerbos tries the roles of a principal in the order in which the request lists them. The
first that is allowed ends it, and a condition that errs before that denies. Tokens and directories list roles in any
order, so that one person is let in today and kept out tomorrow.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "refund"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::refund"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {all: {of: [{expr: P.attr.trained}, {expr: P.attr.on_duty}]}}}
-- policies/desk.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_desk
  version: default
  rules:
    - actions: ["tools/call::refund"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {any: {of: [{expr: P.attr.trained}, {expr: P.attr.on_duty}]}}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "refund"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::refund"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: P.attr.trained && P.attr.on_duty}}
-- policies/desk.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_desk
  version: default
  rules:
    - actions: ["tools/call::refund"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {any: {of: [{expr: P.attr.trained}, {expr: P.attr.on_duty}]}}}
`,
		Fix:       "Write one of the conditions as a single expression, with && or ||.",
		Standards: []string{"CWE-863"},
	},
	Ask: func(ctx context.Context, p *Pass) error {
		if p.Policies == nil {
			return nil
		}
		if engine, ok := p.input.Engine.(pdp.Confusable); ok {
			for _, ids := range engine.Confused() {
				var rules []*policy.Rule
				for _, id := range ids {
					if r := p.Policies.Rule(id); r != nil {
						rules = append(rules, r)
					}
				}
				reportConfused(p, rules, "the same expressions, combined in another way:")
			}
		}
		reportShared(p)
		reportParents(p)
		return reportOrders(ctx, p)
	},
}

// reportConfused reports rules that the engine keeps one condition for.
func reportConfused(p *Pass, rules []*policy.Rule, because string) {
	for _, r := range rules {
		f := Finding{
			Pos: r.Pos, Policy: r.ID, Server: p.index.OnlyServer(r),
			Message:  fmt.Sprintf("%s may be decided by the condition of another rule: the engine confuses them", called(r)),
			Evidence: []string{cite(r), because},
		}
		for _, other := range rules {
			if other != r {
				f.Evidence = append(f.Evidence, cite(other))
			}
		}
		p.report(draft{servers: p.index.ServerNames(r), Finding: f})
	}
}
