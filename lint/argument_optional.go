package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
)

// argumentOptional flags conditions that read an optional argument without
// asking whether it is there.
var argumentOptional = &Rule{
	ID:       "argument-optional",
	Family:   unreachable,
	Severity: authz.SeverityNote,
	needs:    []need{needReads},
	Doc: Doc{
		Summary: "A condition reads an optional argument without `has()`: callers who omit it are decided by an error",
		Rationale: "An expression that reads what is not there errors, and an error counts as not met, on a DENY too. That " +
			"may be what was meant; `has()` says so, and goes on saying it where `strictEvaluation` turns errors into " +
			"denials. A default in the inputSchema does not help: the server fills it in after the decision.",
		Bad: `
-- manifest.json --
{"tools": [{"name": "find_ticket", "inputSchema": {"type": "object", "properties": {"region": {"type": "string"}}}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::find_ticket"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "find_ticket", "inputSchema": {"type": "object", "properties": {"region": {"type": "string"}}}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::find_ticket"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: has(R.attr.arguments.region) && R.attr.arguments.region == P.attr.region}}
`,
		Fix: "Ask has() first, or make the argument required.",
	},
	Check: func(p *Pass) {
		for _, x := range p.readings.list {
			for read, q := range x.uses() {
				path, ok := q.argumentPath(read)
				if !ok || read.Alternative {
					continue
				}
				a := argumentOf(p, q.col.Item, path)
				step := a.missing(guarded(read, len(path)))
				if a.exists != yes || step < 0 {
					continue
				}
				f := about(q.col)
				f.Related = []Related{{a.pos, "in the inputSchema of " + f.Name, true}}
				f.Pos, f.Policy = posOf(p, x.rule, read.Place), x.rule.ID
				f.Evidence = []string{cite(x.rule), "without it: " + outcome(x.rule.Effect)}
				name := argumentName(path[:step+1])
				f.Cause = causeOf(keyOf(x.rule), name)
				p.report(draft{
					Finding: f,
					say: func(e *effects) string {
						return fmt.Sprintf("%s is read without has(), and optional for %s", name, e.listed())
					},
				})
			}
		}
	},
}

// missing returns the first step that a call may leave out and that a read
// does not ask about, or -1.
func (a *argument) missing(guarded []bool) int {
	for i, optional := range a.optional {
		if optional && !guarded[i] {
			return i
		}
	}
	return -1
}

// outcome says what an expression that errors does to a rule.
func outcome(effect authz.Effect) string {
	if effect == authz.Deny {
		return "the condition cannot be evaluated, so the rule does not deny"
	}
	return "the condition cannot be evaluated, so the rule does not allow"
}
