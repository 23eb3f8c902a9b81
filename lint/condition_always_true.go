package lint

import (
	"context"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/reason"
	"github.com/mcpolicy/mcpolicy/policy"
)

// conditionAlwaysTrue flags conditions that no request can fail: not for other
// principals, other arguments, or without them. An inputSchema is no reason to
// say so, because the enforcement point asks before the server looks at it.
var conditionAlwaysTrue = &Rule{
	ID:       "condition-always-true",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	needs:    []need{needConditions, needEvaluation},
	Doc: Doc{
		Summary: "A condition that no request can fail",
		Rationale: "Whoever reads the rule takes it for conditional, and it is not: an `||` stands where `&&` was meant, " +
			"a bound is the wrong way round, or a test was switched off and forgotten. What counts are all requests " +
			"that the enforcement point could send, for any item that the rule would cover, with any principal attributes, " +
			"and with any value missing that is not always sent.",
		Bad: `
-- manifest.json --
{"tools": [{"name": "export"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::export"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: '!has(R.attr.arguments.region) || R.attr.arguments.region != "EMEA" || R.attr.arguments.region != "APAC"'}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "export"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::export"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: '!has(R.attr.arguments.region) || !(R.attr.arguments.region in ["EMEA", "APAC"])'}}
`,
		Fix:       "Correct the condition, or take it out and let the rule say what it does.",
		Standards: []string{"CWE-571", "CWE-863"},
	},
	Ask: func(ctx context.Context, p *Pass) error {
		return eachVerdict(ctx, p, func(r *policy.Rule, v reason.Verdict) {
			if v != reason.Always {
				return
			}
			p.report(draft{servers: p.index.ServerNames(r), Finding: Finding{
				Pos: r.Condition.Pos, Policy: r.ID, Server: p.index.OnlyServer(r),
				Message:  fmt.Sprintf("no request can fail the condition of %s", called(r)),
				Evidence: []string{cite(r), quoteCondition(r)},
			}})
		})
	},
}

// eachVerdict yields what the rules' own conditions come to. What reads globals is
// not judged: they may be others tomorrow.
func eachVerdict(ctx context.Context, p *Pass, yield func(*policy.Rule, reason.Verdict)) error {
	x := p.reasoner()
	if x == nil {
		return nil
	}
	for r := range p.Policies.Rules() {
		c := x.Own(r)
		if c == nil || c.Globals {
			continue
		}
		v, err := x.Verdict(ctx, r, c)
		if err != nil {
			return err
		}
		yield(r, v)
	}
	return nil
}
