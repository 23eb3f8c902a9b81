package lint

import (
	"errors"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/policy"
)

// invalidGlob flags patterns that do not compile. It looks at all policies,
// whatever they are about.
var invalidGlob = &Rule{
	ID:       "invalid-glob",
	Family:   inPolicy,
	Severity: authz.SeverityError,
	Doc: Doc{
		Summary: "A glob does not compile, and so matches nothing",
		Rationale: `Cerbos compiles the policy all the same and says so only in a line of its log. The rule that has
the pattern takes no part in any decision. If it is a DENY, what it should stop goes through.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "create_quote"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*_quote[s"], effect: EFFECT_ALLOW, roles: [SALES]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "create_quote"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*_quote"], effect: EFFECT_ALLOW, roles: [SALES]}
`,
		Fix:       "Close what is open, or put a backslash before the bracket or brace that is meant as it is.",
		Standards: deadRule,
	},
	Check: func(p *Pass) {
		if p.Policies == nil {
			return
		}
		for r := range p.Policies.Rules() {
			for _, a := range r.Actions {
				tryGlob(p, r, a, "action", policy.MatchAction)
			}
			for _, role := range r.Roles {
				tryGlob(p, r, role, "role", policy.MatchRole)
			}
			if r.Policy.Kind != policy.ResourcePolicy {
				tryGlob(p, r, policy.Text{Value: r.Resource, Pos: r.ResourcePos}, "resource", policy.MatchResource)
			}
		}
	},
}

// tryGlob reports a pattern of a rule that cannot be matched.
func tryGlob(p *Pass, r *policy.Rule, pattern policy.Text, what string, match func(pattern, name string) (bool, error)) {
	_, err := match(pattern.Value, "x")
	if err == nil {
		return
	}
	reason := err
	if inner := errors.Unwrap(err); inner != nil {
		reason = inner
	}
	p.report(draft{servers: p.index.ServerNames(r), Finding: Finding{
		Pos: pattern.Pos, Policy: r.ID, Server: p.index.OnlyServer(r),
		Message:  fmt.Sprintf("the %s %s of %s matches nothing: it is no valid glob", what, pattern.Value, called(r)),
		Evidence: []string{cite(r), fmt.Sprintf("the glob: %v", reason)},
	}})
}
