package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// principalWithoutAccess flags principals that may neither see nor use anything, on any
// server. What no policy is asked about is access too. It is silent where DENY rules say
// so of everything: that is a decision. Principals of the same roles are reported together.
var principalWithoutAccess = &Rule{
	ID:       "principal-without-access",
	Family:   unreachable,
	Severity: authz.SeverityNote,
	ofEach:   true,
	Doc: Doc{
		Summary: "A declared principal may do nothing anywhere",
		Rationale: `Somebody declared the principal to see what it may do, and it may do nothing: its role is misspelt on one
of the two sides, no rule is for it, or a condition is never met by what is declared of it. Suites that expect denials
pass all the same. Where that is what is meant, a DENY for it says so.`,
		Bad: `
-- principals.yaml --
principals:
  sally: {id: sally, roles: [SALES]}
  dave: {id: dave, roles: [SALSE]}
` + withoutAccessWorld,
		Good: `
-- principals.yaml --
principals:
  sally: {id: sally, roles: [SALES]}
  dave: {id: dave, roles: [SALES]}
` + withoutAccessWorld,
		Fix:       "Correct the role, grant it something, or take the principal out.",
		Standards: []string{"NIST CSF 2.0 PR.AA-05"},
	},
	Check: func(p *Pass) {
		named := rolesInUse(p)
		for _, c := range p.Matrix.Classes {
			decided := true
			for _, col := range p.Matrix.Columns {
				cell := p.Matrix.Cell(c, col)
				if !denied(cell) {
					decided = true
					break
				}
				decided = decided && decidedlyDenied(cell)
			}
			if !decided {
				reportWithoutAccess(p, c, named)
			}
		}
	},
}

// rolesInUse lists the roles that policies about what is asked are for, patterns left out.
func rolesInUse(p *Pass) []string {
	if p.Policies == nil {
		return nil
	}
	var list []string
	for r := range p.Policies.Rules() {
		if len(p.index.Covered(r)) == 0 {
			continue
		}
		for _, role := range coverage.Roles(p.Policies, r) {
			if !policy.IsGlob(role.Value) {
				list = append(list, role.Value)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// reportWithoutAccess reports the principals of a class. Named are the roles that rules are
// for.
func reportWithoutAccess(p *Pass, c *matrix.Class, named []string) {
	roles := rolesOf([]*matrix.Class{c})
	why, meant := "", ""
	for _, role := range roles {
		if near := source.Nearest(role, named); near != "" && !slices.Contains(named, role) && !slices.Contains(roles, near) {
			meant = near
			why = fmt.Sprintf(": no rule is for the role %s%s", role, didYouMean(near))
			break
		}
	}
	rules, obstacles := obstaclesOf(p, c)
	if why == "" && len(obstacles) == 0 && p.Policies != nil {
		why = fmt.Sprintf(": no rule is for the %s %s", plural(len(roles), "role", "roles"), listing(roles, people))
	}
	f := Finding{
		Pos: c.First().Pos, Cause: causeOf(strings.Join(roles, ","), meant),
		Evidence: append([]string{fmt.Sprintf("%s: %s", plural(len(roles), "role", "roles"), listing(roles, people))}, obstacles...),
		Fix:      fmt.Sprintf("Grant something to the %s %s, say with a DENY that it is meant so, or take the principal out.", plural(len(roles), "role", "roles"), listing(roles, people)),
	}
	switch {
	case meant != "":
		f.Fix = fmt.Sprintf("Write the role %s for %s, or grant something to the role that it has.", meant, c.First().Key)
	case len(obstacles) > 0:
		f.Fix = fmt.Sprintf("Correct what keeps the rules from %s (mcpolicy explain says more), say with a DENY that it is meant so, or take the principal out.", c.First().Key)
	}
	p.report(draft{
		Finding: f, who: wholly([]*matrix.Class{c}), servers: names(p.Matrix.Servers), rules: rules, subject: c.First().Key,
		say: func(e *effects) string { return p.namesIn(e.who) + " may do nothing anywhere" + why },
	})
}

// obstaclesOf lists the rules that are for a class and allow something that it may not do,
// and says of some what keeps it from that.
func obstaclesOf(p *Pass, c *matrix.Class) (rules, lines []string) {
	if p.Policies == nil {
		return nil, nil
	}
	for r := range p.Policies.Rules() {
		if r.Effect != authz.Allow || !isFor(p, r, c) {
			continue
		}
		for _, of := range p.index.Covered(r) {
			if why := obstacle(p, r, c, of.Column); why != "" {
				rules = append(rules, r.ID)
				lines = append(lines, cite(r)+": "+why)
				break
			}
		}
	}
	return rules, lines[:min(len(lines), reasons)]
}

const withoutAccessWorld = `-- manifest.json --
{"tools": [{"name": "greet"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list", "tools/list::greet", "tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
`
