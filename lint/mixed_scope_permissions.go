package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// mixedScopePermissions flags scopes of which the resource and principal
// policies disagree on scopePermissions. Those of role policies do not count
// to the engine.
var mixedScopePermissions = &Rule{
	ID:       "mixed-scope-permissions",
	Family:   inPolicy,
	Severity: authz.SeverityError,
	Doc: Doc{
		Summary: "Policies of one scope disagree on scopePermissions",
		Rationale: `Cerbos keeps one value for a scope, whatever the policies in it are about, and takes that of the
policy that it loads last. It means to refuse policies that disagree, but 0.55 overlooks the first of them, and the
order of loading is chance: the same policies allow after one start of the PDP and deny after the next. A policy that
says nothing says SCOPE_PERMISSIONS_OVERRIDE_PARENT.

Cells that hang on it are no answer, here or in production. A run that needs them ends with status 3, and no waiver
counts then.`,
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
		unstable := p.Matrix.Unstable(p.Matrix.Columns)
		for _, d := range p.Policies.Disagreements() {
			reportDisagreement(p, d, unstable)
		}
	},
}

func reportDisagreement(p *Pass, d *policy.Disagreement, unstable []matrix.Unstable) {
	cells := "its cells and those of the scopes below cannot"
	if d.Scope == "" {
		cells = "no cell can"
	}
	f := Finding{Pos: d.Pos(), Message: fmt.Sprintf("%s disagree on scopePermissions: %s be trusted from one load to the next", d, cells)}
	for _, said := range d.Values() {
		for i, x := range d.Said[said] {
			if i < named {
				f.Evidence = append(f.Evidence, fmt.Sprintf("%s  %s %s: %s", x.SaysPermissions(), x.Kind, x.Name, said))
			}
		}
		if more := len(d.Said[said]) - named; more > 0 {
			f.Evidence = append(f.Evidence, fmt.Sprintf("and %d more: %s", more, said))
		}
	}
	i := slices.IndexFunc(unstable, func(u matrix.Unstable) bool { return u.Scope == d.Scope })
	_, explains := p.Matrix.Decider().(pdp.Explainer)
	switch {
	case i >= 0:
		f.Evidence = append(f.Evidence, fmt.Sprintf("The matrix itself is not stable: the next load may decide %s otherwise. "+
			"Until the policies agree the run ends with status 3.", &unstable[i]))
	case explains: // a running PDP does not say which rules took part
		f.Evidence = append(f.Evidence, "No cell of this matrix hangs on it so far: no ALLOW of these policies takes part in one.")
	}
	p.report(draft{Finding: f, unwaivable: i >= 0})
}

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
