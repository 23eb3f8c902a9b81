package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// policyNeverAsked flags policies about what is sent that stand in a policy version or a
// scope in which no request comes. It reports once for each such place. Policies about
// kinds that no server sends are the rest of the company's, and policies in a scope above
// one that is asked about take part.
var policyNeverAsked = &Rule{
	ID:       "policy-never-asked",
	Family:   unguarded,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "A policy stands in a scope or policy version that no request comes in: its rules, DENYs among them, are inert",
		Rationale: `Cerbos looks for policies in the scope and the version that a request names, and in the scopes
above. Where nothing names them, the policy is loaded and never looked at, and the prohibitions in it protect
nothing. The scope of resource and role policies is the one that the enforcement point sends, whatever scope the
principal has; that of principal policies is the principal's. The version is the one that the enforcement point
sends, for all of them.`,
		Bad:       neverAskedWorld + "}\n",
		Good:      neverAskedWorld + ", scope: acme}\n",
		Fix:       "Move the policy to where requests come, or have the requests name its scope and version.",
		Standards: noPolicyDecides,
	},
	Check: func(p *Pass) {
		if p.Policies == nil {
			return
		}
		sent := addressesSent(p)
		var byID map[string][]*authz.Principal
		var active map[*policy.Policy]bool
		for _, x := range p.Policies.Policies {
			if x.Disabled || !x.Kind.HasRules() {
				continue
			}
			if x.Kind == policy.PrincipalPolicy && byID == nil {
				byID = principalsByID(p)
			}
			a := absenceOf(p, x, sent, byID[x.Name])
			if a == nil {
				continue
			}
			if active == nil {
				active = activePolicies(p)
			}
			if !active[x] {
				reportNeverAsked(p, a)
			}
		}
	},
}

// activePolicies returns the policies whose rules have a part in the matrix, met or not.
func activePolicies(p *Pass) map[*policy.Policy]bool {
	active := map[*policy.Policy]bool{}
	seen := map[*matrix.Cell]bool{} // equal cells are one
	for ref := range p.Matrix.All() {
		if seen[ref.Cell] {
			continue
		}
		seen[ref.Cell] = true
		for _, r := range ref.Rules {
			if r.Syntax != nil {
				active[r.Syntax.Policy] = true
			}
		}
	}
	return active
}

// reportNeverAsked reports a policy where no request comes; those of one place are
// reported together.
func reportNeverAsked(p *Pass, a *absence) {
	x := a.policy
	f := Finding{
		Pos: x.NamePos, Cause: causeOf(a.place(), a.whose()), Evidence: a.evidence(p), Fix: a.fix(),
		Related: []Related{{x.NamePos, "what it is about: " + x.Name, false}},
	}
	switch {
	case a.scope && !x.ScopePos.IsZero():
		f.Pos = x.ScopePos
	case a.version && !x.VersionPos.IsZero():
		f.Pos = x.VersionPos
	}
	if len(a.by) == 1 {
		f.Server = a.by[0].Name
	}
	d := draft{servers: names(a.by), subject: fmt.Sprintf("the %s of %s", x.Kind, x.Name)}
	for _, r := range x.Rules {
		d.rules = append(d.rules, r.ID)
		if r.Effect == authz.Deny {
			f.Related = append(f.Related, Related{r.Pos, called(r) + " denies nothing", false})
		}
	}
	d.Finding = f
	d.say = func(e *effects) string {
		return fmt.Sprintf("%s %s%s: %s there %s inert", a.nothing(), a.place(), didYouMean(a.near()), listing(e.subjects, named), plural(len(e.subjects), "is", "are"))
	}
	p.report(d)
}

const neverAskedWorld = `
-- manifest.json --
{"tools": [{"name": "get_stock"}, {"name": "sell_stock"}]}
-- policies/store.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: store
  version: default
  rules:
    - {actions: ["*"], effect: EFFECT_ALLOW, roles: [SALES]}
-- policies/store.acme.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: store
  version: default
  scope: acme
  rules:
    - {actions: [sell_stock], effect: EFFECT_DENY, roles: [SALES]}
-- mcpolicy.yaml --
servers:
  store: {manifest: manifest.json, enforcement: gateway}
policies: policies
principals: principals.yaml
enforcement:
  gateway:
    tools/list: {filter: call}
    tools/call:
      - {kind: store, id: "{name}", action: "{name}"`
