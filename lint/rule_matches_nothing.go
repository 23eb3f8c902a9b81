package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/policy"
)

// ruleMatchesNothing flags actions of rules that match no operation on any
// item, and names in their conditions that are nearly an item's. It is silent about policies for kinds that no server sends, unless the
// kind is a slip of one; about list actions where there is nothing to list; and
// about what may be meant for an item that an incomplete inventory lacks.
var ruleMatchesNothing = &Rule{
	ID:       "rule-matches-nothing",
	Family:   unreachable,
	Severity: authz.SeverityWarning,
	Least:    authz.ConfidenceMedium,
	needs:    []need{needConditions},
	Doc: Doc{
		Summary: "A rule's action matches no operation on any item",
		Rationale: "The rule does nothing: the tool is gone or misspelt, or the pattern stops short. In a pattern `:` is the " +
			"only separator: `tools/call::*` matches `tools/call::greet`, but `tools/call:*` and `tools/*` do not. A grant " +
			"for a tool that is gone waits for the next tool of that name; a DENY that matches nothing denies nothing.",
		Bad: `
-- manifest.json --
{"tools": [{"name": "greet"}, {"name": "log_activity"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::log_activty"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["tools/call:*"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "greet"}, {"name": "log_activity"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::log_activity"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Fix:       "Correct the action, or take it out.",
		Standards: goneGrant,
	},
	Check: func(p *Pass) {
		if p.Policies == nil {
			return
		}
		misspelt := map[*policy.Policy]bool{}
		prefixed := reportPrefixes(p)
		for r := range p.Policies.Rules() {
			targets := p.index.TargetsOf(r)
			if len(targets) == 0 {
				reportKind(p, r, misspelt)
				continue
			}
			v := newVocabulary(p, r, targets)
			for _, a := range r.Actions {
				if !prefixed[a.Pos] && !v.matches(a.Value) && !v.excuses(a.Value) {
					reportIdle(p, v, a)
				}
			}
			reportMisnomers(p, r)
		}
	},
}

// reportIdle reports an action of a rule that matches nothing. Those of one rule that are like
// nothing else are reported together. A pattern that denies what there may be one day is a
// precaution.
func reportIdle(p *Pass, v *vocabulary, a policy.Text) {
	r, meant, pitfalls := v.rule, v.meant(a.Value), v.pitfalls(a.Value)
	f := Finding{
		Pos: a.Pos, Policy: r.ID, Server: p.index.OnlyServer(r), Cause: keyOf(r),
		Evidence: append([]string{cite(r)}, pitfalls...), Edits: v.correction(a, meant),
	}
	slip := ""
	if meant != "" || len(pitfalls) > 0 {
		f.Cause, slip = causeOf(keyOfPolicy(r.Policy), a.Value), a.Pos.String() // the same slip in several rules is one
		p.slips = append(p.slips, slipped{rule: r, at: slip, meant: meant})
	} else if r.Effect == authz.Deny && r.IsGlob(a.Value) {
		f.Severity, f.Cause = authz.SeverityNote, causeOf(f.Cause, "precaution")
		f.Fix = "Leave it if it denies what may come; take it out if it was for something that is gone."
	}
	p.report(draft{
		Finding: f, servers: p.index.ServerNames(r), subject: a.Value, slip: slip,
		say: func(e *effects) string {
			return fmt.Sprintf("%s %s no operation on any item%s", listing(e.subjects, len(e.subjects)), plural(len(e.subjects), "matches", "match"), didYouMean(meant))
		},
	})
}
