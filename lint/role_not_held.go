package lint

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// roleNotHeld flags roles that rules name and no declared principal holds. It
// reports once a role, and looks only at rules about what the enforcement
// points ask for.
var roleNotHeld = &Rule{
	ID:       "role-not-held",
	Family:   unreachable,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "A rule names a role that no declared principal holds",
		Rationale: `Either the role is misspelt, and its rule does nothing; or nobody has it any more, and the grant
waits for whoever is given a role of that name; or the declared principals lack an example, and the matrix says
nothing about those who hold it.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "greet"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES, ADMINS]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "greet"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES, "ADM*"]}
`,
		Fix:       "Correct the role, take it out, or declare a principal that has it.",
		Standards: goneGrant,
	},
	Check: func(p *Pass) {
		if p.Policies == nil || len(p.Matrix.Classes) == 0 {
			return
		}
		held := rolesHeld(p)
		for r := range p.Policies.Rules() {
			if len(p.index.TargetsOf(r)) == 0 {
				continue
			}
			for _, role := range r.Roles {
				if slices.ContainsFunc(held, func(h string) bool { return matchesRole(role.Value, h) }) {
					continue
				}
				p.report(draft{
					Finding: Finding{
						Cause: role.Value, Pos: role.Pos, Policy: r.ID, Server: p.index.OnlyServer(r),
						Evidence: []string{fmt.Sprintf("The roles that are held: %s.", listing(held, people)), cite(r)},
						Edits:    correctRole(r, role, held),
					},
					servers: p.index.ServerNames(r), subject: strconv.Quote(r.Label()),
					say: func(e *effects) string {
						rules := e.subjects
						return fmt.Sprintf("no declared principal has the role %s%s, which %s", role.Value,
							source.DidYouMean(role.Value, held), plural(len(rules), "rule "+rules[0]+" names", "rules "+listing(rules, named)+" name"))
					},
				})
			}
		}
	},
}

// correctRole returns the edit that makes a role the one that was meant, where
// that is beyond doubt. The role of a role policy stays: others refer to it.
func correctRole(r *policy.Rule, role policy.Text, held []string) []fix.Edit {
	meant := onlySlip(role.Value, held)
	if meant == "" || meant != source.Nearest(role.Value, held) || policy.IsGlob(meant) ||
		r.Policy.Kind == policy.RolePolicy || slices.Contains(values(r.Roles), meant) {
		return nil
	}
	return []fix.Edit{{Pos: role.Pos, Old: role.Value, New: meant}}
}

// matchesRole reports whether a role of a rule is for a role. An invalid
// pattern is for another rule to report.
func matchesRole(pattern, role string) bool {
	ok, err := policy.MatchRole(pattern, role)
	return ok || err != nil
}
