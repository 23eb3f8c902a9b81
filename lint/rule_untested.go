package lint

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// ruleUntested flags rules that take part in the matrix and in no case of a
// suite. It reports once a policy. Rules that take part in nothing are for
// other rules to report.
var ruleUntested = &Rule{
	ID:       "rule-untested",
	Family:   inHouse,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "A policy rule that no test case activates",
		Rationale: `The rule decides something for the declared principals, and whoever changes it or takes it away sees
every suite pass. A case activates a rule if the rule's condition is met, or can be met with some arguments, in the
decision on the case. Without any suite the rule is silent; mcpolicy lint runs the suites that the config names to
know what they activate.`,
		Bad: testedWorld + `
tests:
  - name: HR does not merge
    principals: [harry]
    call: {deny: [merge_customers]}
`,
		Good: testedWorld + `
tests:
  - name: administrators merge
    principals: [ian]
    call: {allow: [merge_customers]}
`,
		Fix: "Add a case that the rule decides.",
	},
	Check: func(p *Pass) {
		if p.input.Suites == nil || p.Policies == nil {
			return
		}
		tested := map[*policy.Rule]bool{}
		for _, a := range p.input.Suites {
			markActive(tested, a.Cell)
		}
		for _, r := range activeRules(p) {
			if tested[r] {
				continue
			}
			p.report(draft{
				Finding: Finding{Cause: r.Policy.File, Pos: r.Pos, Policy: r.ID, Server: p.index.OnlyServer(r), Evidence: []string{cite(r)}},
				servers: p.index.ServerNames(r), subject: strconv.Quote(r.Label()),
				say: func(e *effects) string {
					return fmt.Sprintf("no test case activates %s of %s", plural(len(e.subjects), "rule ", "the rules ")+listing(e.subjects, named), r.Policy.File)
				},
			})
		}
	},
}

// markActive marks the rules that took part in a cell, or may.
func markActive(rules map[*policy.Rule]bool, c *matrix.Cell) {
	if c == nil {
		return
	}
	for _, r := range c.Rules {
		if r.Syntax != nil && r.Met != authz.Unmet {
			rules[r.Syntax] = true
		}
	}
}

// activeRules lists the rules that take part in the matrix, by position.
func activeRules(p *Pass) []*policy.Rule {
	active := map[*policy.Rule]bool{}
	seen := map[*matrix.Cell]bool{} // equal cells are one
	for ref := range p.Matrix.All() {
		if !seen[ref.Cell] {
			seen[ref.Cell] = true
			markActive(active, ref.Cell)
		}
	}
	var list []*policy.Rule
	for r := range active {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *policy.Rule) int { return a.Pos.Compare(b.Pos) })
	return list
}
