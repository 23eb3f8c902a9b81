package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// principalNotDeclared flags principal policies about an id that no declared principal
// has, where a rule of theirs is about what the enforcement points ask. It reports once an
// id. What they say of other kinds is about other systems.
var principalNotDeclared = &Rule{
	ID:       "principal-not-declared",
	Family:   unguarded,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "A principal policy is about an id that no declared principal has: its access is in no matrix",
		Rationale: `A principal policy decides before all other policies, for one id. If nobody of that id is declared, no
matrix and no suite shows what it opens, and nobody reviews it: an account that has left keeps its grants, or a slip in
the id leaves somebody without the prohibition that was meant. Policies see the id of a principal, not the key that it
has in the file.`,
		Bad:       notDeclaredWorld + "principal: salli" + notDeclaredRules,
		Good:      notDeclaredWorld + "principal: sally" + notDeclaredRules,
		Fix:       "Declare the principal, correct the id, or take the policy out.",
		Standards: []string{"NHI1:2025", "NIST CSF 2.0 PR.AA-05"},
	},
	Check: func(p *Pass) {
		if p.Policies == nil || len(p.Matrix.Classes) == 0 {
			return
		}
		var ids []string
		keys := map[string]*authz.Principal{} // by key, of those whose id is another
		for _, c := range p.Matrix.Classes {
			for _, who := range c.Principals {
				ids = append(ids, who.ID)
				if who.Key != who.ID {
					keys[who.Key] = who
				}
			}
		}
		slices.Sort(ids)
		for _, x := range p.Policies.Policies {
			if x.Kind != policy.PrincipalPolicy || x.Disabled {
				continue
			}
			if _, declared := slices.BinarySearch(ids, x.Name); !declared {
				reportUndeclared(p, x, ids, keys[x.Name])
			}
		}
	},
}

// reportUndeclared reports a policy about a principal that is not declared, if some rule of
// it is about what is asked. Keyed is the principal that has the id for a key.
func reportUndeclared(p *Pass, x *policy.Policy, ids []string, keyed *authz.Principal) {
	about := filter(x.Rules, func(r *policy.Rule) bool { return len(p.index.Covered(r)) > 0 })
	if len(about) == 0 {
		return
	}
	f := Finding{Pos: x.NamePos, Cause: x.Name}
	hint := source.DidYouMean(x.Name, ids)
	if keyed != nil {
		hint = fmt.Sprintf(" (%s is the key of a principal with the id %s)", keyed.Key, keyed.ID)
		f.Fix = fmt.Sprintf("Write principal: %q, declare a principal with the id %s, or take the policy out.", keyed.ID, x.Name)
	} else {
		f.Fix = fmt.Sprintf("Declare a principal with the id %s, correct the id, or take the policy out.", x.Name)
	}
	d := draft{Finding: f, subject: x.Name}
	for _, r := range about {
		d.rules = append(d.rules, r.ID)
		d.servers = append(d.servers, p.index.ServerNames(r)...)
		d.Evidence = append(d.Evidence, cite(r)+": "+map[authz.Effect]string{authz.Allow: "allows ", authz.Deny: "denies "}[r.Effect]+r.Actions[0].Value)
	}
	slices.Sort(d.servers)
	if d.servers = slices.Compact(d.servers); len(d.servers) == 1 {
		d.Server = d.servers[0]
	}
	d.Evidence = d.Evidence[:min(len(d.Evidence), reasons)]
	d.say = func(*effects) string {
		return fmt.Sprintf("the policy of the principal %s%s is about nobody that is declared: its access is in no matrix", x.Name, hint)
	}
	p.report(d)
}

const notDeclaredWorld = `
-- manifest.json --
{"tools": [{"name": "refund"}]}
-- policies/sally.yaml --
apiVersion: api.cerbos.dev/v1
principalPolicy:
  version: default
  `

const notDeclaredRules = `
  rules:
    - resource: mcp_server
      actions:
        - {action: "tools/call::refund", effect: EFFECT_DENY}
`
