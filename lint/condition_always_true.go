package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// conditionAlwaysTrue flags conditions that no request can fail: not for other
// principals, other arguments, or without them. An inputSchema is no reason to
// say so, because the enforcement point asks before the server looks at it.
var conditionAlwaysTrue = &Rule{
	ID:       "condition-always-true",
	Family:   overExposed,
	Severity: Warning,
	Doc: Doc{
		Summary: "A condition that no request can fail",
		Rationale: "Whoever reads the rule takes it for conditional, and it is not: an `||` stands where `&&` was meant, " +
			"a bound is the wrong way round, or a test was switched off and forgotten. What counts are all requests " +
			"that the enforcement point could send, with any principal attributes, and with any value missing.",
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
		x := p.reasoner()
		if x == nil {
			return nil
		}
		for r := range p.Policies.Rules() {
			c := x.own(r)
			if c == nil || c.Globals {
				continue
			}
			always, err := x.always(ctx, r, c)
			if err != nil {
				return err
			}
			if !always {
				continue
			}
			p.report(draft{servers: p.serverNames(r), Finding: Finding{
				Pos: r.Condition.Pos, Policy: r.ID, Server: p.onlyServer(r),
				Message:  fmt.Sprintf("no request can fail the condition of %s", called(r)),
				Evidence: []string{cite(r), quoteCondition(r)},
			}})
		}
		return nil
	},
}

// always reports whether every request that a rule covers meets its condition.
// What the condition says of the resource may be different for the next item,
// so where it looks at that, nothing is claimed but of rules that name items.
func (x *reasoner) always(ctx context.Context, r *policy.Rule, c *pdp.Condition) (bool, error) {
	list := x.covered(r)
	calls := slices.DeleteFunc(slices.Clone(list), func(of covering) bool { return of.Unknown == nil })
	named := !slices.ContainsFunc(r.Actions, func(a policy.Text) bool { return r.IsGlob(a.Value) }) &&
		!slices.ContainsFunc(list, func(of covering) bool { return !strings.Contains(of.Action, of.column.Item.Name) })
	if len(calls) > 0 && !named {
		list = calls // a list is as good as a call without arguments
	}
	for _, of := range list {
		if !named && readsResource(c, of.Unknown) {
			return false, nil
		}
		found, err := x.try(ctx, c, x.anybody(r, c, of))
		if err != nil || !found.all || slices.ContainsFunc(found.outcomes, func(o pdp.Outcome) bool { return o != pdp.Met }) {
			return false, err
		}
	}
	return len(list) > 0, nil
}
