package lint

import (
	"fmt"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
)

// decisionDependsOnTime flags rules by which the same request is decided in
// one way now and in another some other time. The engine has been asked about
// both.
var decisionDependsOnTime = &Rule{
	ID:       "decision-depends-on-time",
	Family:   inPolicy,
	Severity: authz.SeverityNote,
	needs:    []need{needReads, needTimes},
	Doc: Doc{
		Summary: "A cell depends on the clock",
		Rationale: "A matrix is a picture of one moment. Where a rule reads the clock, by `now()` or `timeSince()`, " +
			"another day has another picture: a grant runs out or begins, and nobody changed a policy. Suites pin the " +
			"clock with `options: {now: ...}`, and a review looks at `--now TIME` as well.",
		Bad: `
-- manifest.json --
{"tools": [{"name": "close_books"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::close_books"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: 'now() < timestamp("2027-01-01T00:00:00Z")'}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "close_books"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::close_books"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: P.attr.region == "EMEA"}}
`,
		Fix: "Look at the matrix at other times too (--now), and pin the clock in suites.",
	},
	Check: func(p *Pass) {
		for _, c := range p.answers.clocked {
			f := about(c.request.col)
			f.standAt(posOf(p, c.rule, c.clock[0]), c.rule.ID)
			f.Cause = keyOf(c.rule)
			f.Evidence = append([]string{cite(c.rule)}, c.witness(p)...)
			p.report(draft{
				Finding: f, who: wholly(c.who()),
				say: func(e *effects) string {
					return fmt.Sprintf("who may do what with %s depends on the clock, by %s", e.listed(), called(c.rule))
				},
			})
		}
	},
}

// witness says what becomes of a request now, and at another time.
func (c *clocked) witness(p *Pass) []string {
	lines := []string{fmt.Sprintf("%s for %s: %s", c.request.Action, p.names(c.who()), inWords(c.now))}
	if c.then != nil {
		lines = append(lines, fmt.Sprintf("at %s: %s", c.at.Format(time.RFC3339), inWords(c.then)))
	}
	return lines
}

func inWords(d *authz.Decision) string {
	switch d.Effect {
	case authz.Allow:
		return "allowed"
	case authz.Conditional:
		return "allowed when " + d.Condition.String()
	case authz.Deny:
	}
	return "denied"
}
