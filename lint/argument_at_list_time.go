package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// argumentAtListTime flags rules for a list that read arguments. It is silent
// where a list is filtered by the decision on the call, and about a DENY that
// is for the call too.
var argumentAtListTime = &Rule{
	ID:       "argument-at-list-time",
	Family:   unreachable,
	Severity: authz.SeverityWarning,
	needs:    []need{needReads},
	Doc: Doc{
		Summary: "A rule for a list action reads arguments, which are empty there",
		Rationale: `Whoever asks for a list calls nothing yet, so there are no arguments to look at. The condition is
never met: an ALLOW hides the tool from those who may call it, and agents do not call what they do not see.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_report"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/list::get_report", "tools/call::get_report"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_report"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list::get_report"], effect: EFFECT_ALLOW, roles: [SALES]}
    - actions: ["tools/call::get_report"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}
`,
		Fix:       "Give the list a rule of its own, without arguments.",
		Standards: []string{"CWE-863"},
	},
	Check: func(p *Pass) {
		for _, x := range p.readings.list {
			calls := slices.ContainsFunc(x.about, func(q columnRequest) bool { return q.col.Operation != authz.List })
			if calls && x.rule.Effect == authz.Deny {
				continue
			}
			for read, q := range x.uses() {
				at := argumentsOf(p, q.col)
				path, ok := below(read, at)
				if !ok || q.col.Operation != authz.List || q.col.Question.Possible || q.col.Server.Profile.Filter(q.col.Item.Type) == authz.FilterCall ||
					read.Alternative || read.Guarded[len(at)] {
					continue
				}
				f := about(q.col)
				f.standAt(posOf(p, x.rule, read.Place), x.rule.ID)
				f.Cause, f.Evidence = keyOf(x.rule), []string{cite(x.rule), "asked about the list: " + q.Action}
				f.Edits = withoutList(x.rule, q.Action, calls)
				name := argumentName(path)
				p.report(draft{
					Finding: f, subject: name,
					say: func(e *effects) string {
						return fmt.Sprintf("%s reads %s for a list, which has no arguments", called(x.rule), listing(e.subjects, named))
					},
				})
			}
		}
	},
}

// withoutList returns the edit that takes a list's action out of an ALLOW that
// is for calls too: its condition is never met for the list.
func withoutList(r *policy.Rule, action string, calls bool) []fix.Edit {
	i := slices.IndexFunc(r.Actions, func(a policy.Text) bool { return a.Value == action })
	if i < 0 || !calls || r.Effect != authz.Allow || r.Policy.Kind == policy.RolePolicy {
		return nil
	}
	return []fix.Edit{{Pos: r.Actions[i].Pos, Old: action, Remove: true}}
}
