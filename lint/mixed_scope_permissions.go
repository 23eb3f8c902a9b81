package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/policy"
)

// mixedScopePermissions flags scopes of which the resource and principal
// policies disagree on scopePermissions. Those of role policies do not count
// to the engine.
var mixedScopePermissions = &Rule{
	ID:       "mixed-scope-permissions",
	Family:   inPolicy,
	Severity: Error,
	Doc: Doc{
		Summary: "Policies of one scope disagree on scopePermissions",
		Rationale: `Cerbos keeps one value for a scope, whatever the policies in it are about, and takes that of the
policy that it loads last. It means to refuse policies that disagree, but 0.55 overlooks the first of them, and the
order of loading is chance: the same policies allow after one start of the PDP and deny after the next. A policy that
says nothing says SCOPE_PERMISSIONS_OVERRIDE_PARENT.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "greet"}]}
` + scopedWorld + `-- policies/desk.acme.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_desk
  version: default
  scope: acme
  scopePermissions: SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS
  rules:
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "greet"}]}
` + scopedWorld + `-- policies/desk.acme.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_desk
  version: default
  scope: acme
  scopePermissions: SCOPE_PERMISSIONS_OVERRIDE_PARENT
  rules:
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
`,
		Fix:       "Give all policies of a scope the same scopePermissions.",
		Standards: []string{"CWE-863"},
	},
	Check: func(p *Pass) {
		if p.Policies == nil {
			return
		}
		scopes := map[string]map[string][]*policy.Policy{}
		for _, x := range p.Policies.Policies {
			if x.Disabled || x.Kind != policy.ResourcePolicy && x.Kind != policy.PrincipalPolicy {
				continue
			}
			if scopes[x.Scope] == nil {
				scopes[x.Scope] = map[string][]*policy.Policy{}
			}
			said := cmp.Or(x.ScopePermissions, overrideParent)
			scopes[x.Scope][said] = append(scopes[x.Scope][said], x)
		}
		for _, scope := range slices.Sorted(maps.Keys(scopes)) {
			by := scopes[scope]
			if len(by) < 2 {
				continue
			}
			f := Finding{Message: fmt.Sprintf("the policies of the scope %s disagree on scopePermissions", scope)}
			if scope == "" {
				f.Message = "the policies without a scope disagree on scopePermissions"
			}
			for _, said := range slices.Backward(slices.Sorted(maps.Keys(by))) { // what requires consent was said
				for i, x := range by[said] {
					pos := x.Pos
					if x.ScopePermissions != "" {
						pos = x.ScopePermissionsPos
					}
					if f.Pos.IsZero() {
						f.Pos = pos
					}
					if i < named {
						f.Evidence = append(f.Evidence, fmt.Sprintf("%s  %s %s: %s", pos, x.Kind, x.Name, said))
					}
				}
				if more := len(by[said]) - named; more > 0 {
					f.Evidence = append(f.Evidence, fmt.Sprintf("and %d more: %s", more, said))
				}
			}
			p.report(draft{Finding: f})
		}
	},
}

// overrideParent is what a policy that says nothing about its scope means.
const overrideParent = "SCOPE_PERMISSIONS_OVERRIDE_PARENT"

const scopedWorld = `-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list"], effect: EFFECT_ALLOW, roles: [SALES]}
-- policies/crm.acme.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  scope: acme
  rules:
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
-- policies/desk.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_desk
  version: default
  rules:
    - {actions: ["tools/list"], effect: EFFECT_ALLOW, roles: [SALES]}
`
