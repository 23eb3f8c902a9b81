package lint

import (
	"context"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/reason"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// limitBypassedByRole flags conditional ALLOW rules that limit a declared principal in
// nothing, because a rule for another of its roles allows the same unconditionally. It
// reports once for two such rules. The engine has to decide that the roles of the one
// alone are limited, and that those of the other alone are not.
var limitBypassedByRole = &Rule{
	ID:       "limit-bypassed-by-role",
	Family:   overExposed,
	Severity: authz.SeverityNote,
	ofEach:   true,
	Doc: Doc{
		Summary: "A principal's conditional ALLOW through one role is void, because another role that it holds allows the same without the condition",
		Rationale: "To Cerbos roles are a union: what one of them allows is allowed. Whoever reads the rule with the condition believes " +
			"that its role is limited, and for a principal who also holds the other role it is not. That is as meant where the second " +
			"role stands above the first, and a mistake where somebody was given both. Administrators that `lint.administrators` " +
			"declares are left out, and so is what one rule is for both roles.",
		Bad: limitedWorld + `
-- principals.yaml --
principals:
  carl: {id: carl, roles: [CLERK, AUDITOR]}
`,
		Good: limitedWorld + `
-- principals.yaml --
principals:
  carl: {id: carl, roles: [CLERK]}
  ada: {id: ada, roles: [AUDITOR]}
`,
		Fix:       "Take one of the roles from the principal, put the condition on the other rule, too, or deny to the role * what is beyond the limit.",
		Standards: []string{"CWE-863", "OWASP MCP02:2025", "ASI03", "NHI5:2025"},
	},
	Ask: func(ctx context.Context, p *Pass) error {
		if p.Policies == nil {
			return nil
		}
		for _, c := range p.Matrix.Classes {
			who := wholly([]*matrix.Class{c}).where(func(who *authz.Principal) bool { return !p.options.Administrators.has(who) })
			if len(c.First().Roles) < 2 || len(who) == 0 {
				continue
			}
			for _, col := range p.Matrix.Columns {
				cell := p.cell(c, col)
				if col.Operation == authz.List || !allowed(cell) || col.ShowsOthers() {
					continue
				}
				for _, r := range limiting(p, col) {
					l, err := findLimit(ctx, p, c.First(), col, cell, r)
					if err != nil {
						return err
					}
					if l != nil {
						l.report(p, col, who)
					}
				}
			}
		}
		return nil
	},
}

// limiting returns the rules that allow an operation on a condition, of their own or of a
// derived role.
func limiting(p *Pass, col *matrix.Column) []*policy.Rule {
	rules, _, _ := p.rulesFor(col)
	return filter(rules, func(r *policy.Rule) bool {
		asks := func(name policy.Text) bool {
			d := p.Policies.DerivedRole(r.Policy, name.Value)
			return d != nil && d.Condition != nil
		}
		return r.Effect == authz.Allow && isOfResource(r) && (r.Condition != nil || slices.ContainsFunc(r.DerivedRoles, asks))
	})
}

func isOfResource(r *policy.Rule) bool { return r != nil && r.Policy.Kind == policy.ResourcePolicy }

// A limit is a rule that allows something on a condition, and one that allows the same
// without.
type limit struct {
	rule, by *policy.Rule
	roles    []string // of the principal, that the rule is for
	byRoles  []string
	alone    *matrix.Cell // with these roles
}

// findLimit returns the limit that a rule is to a principal and that another rule makes
// void, or nil.
func findLimit(ctx context.Context, p *Pass, who *authz.Principal, col *matrix.Column, cell *matrix.Cell, r *policy.Rule) (*limit, error) {
	l := &limit{rule: r, roles: p.index.Concerned(r, who.Roles)}
	i := slices.IndexFunc(cell.Rules, func(part matrix.Rule) bool {
		if part.Effect != authz.Allow || part.Met != authz.Fired || !isOfResource(part.Syntax) {
			return false
		}
		l.byRoles = p.index.Concerned(part.Syntax, who.Roles)
		return len(l.byRoles) > 0 && !slices.ContainsFunc(l.byRoles, func(role string) bool { return slices.Contains(l.roles, role) })
	})
	if len(l.roles) == 0 || i < 0 || !p.budget.Afford(2*reason.ConditionsPerDecision) {
		return nil, nil
	}
	l.by = cell.Rules[i].Syntax
	limited, free := *who, *who
	limited.Roles, free.Roles = l.roles, l.byRoles
	cells, err := p.Matrix.Look(ctx, coverage.Plain(col), []*authz.Principal{&limited, &free})
	if err != nil {
		return nil, err
	}
	l.alone = cells[0]
	mayApply := func(part matrix.Rule) bool { return part.Syntax == r && part.Met != authz.Unmet }
	if l.alone.Access != matrix.Conditional || !slices.ContainsFunc(l.alone.Rules, mayApply) || !allowed(cells[1]) {
		return nil, nil
	}
	return l, nil
}

func (l *limit) report(p *Pass, col *matrix.Column, who crowd) {
	f := about(col)
	f.standAt(l.rule.Pos, l.rule.ID)
	f.Related = append(f.Related, Related{Pos: l.by.Pos, Text: called(l.by)})
	f.Cause = causeOf(keyOf(l.rule), keyOf(l.by), col.Operation.String())
	role := plural(len(l.byRoles), "role", "roles") + " " + listing(l.byRoles, people)
	f.Evidence = []string{cite(l.rule), cite(l.by), fmt.Sprintf("The engine lets the %s %s alone %s %s %s, and the %s with any arguments.",
		plural(len(l.roles), "role", "roles"), listing(l.roles, people), verb(col.Operation), col.Item.Name, l.alone.Condition.When(), role)}
	p.report(draft{
		Finding: f, who: who,
		say: func(e *effects) string {
			return fmt.Sprintf("the condition of %s does not limit %s in %s %s: %s allows that to the %s without one", called(l.rule), p.namesIn(e.who),
				doing(col.Operation), e.either(e.noun()), called(l.by), role)
		},
	})
}

// doing is what a client does with an item by an operation.
func doing(op authz.Operation) string {
	return [...]string{"seeing", "calling", "getting", "reading"}[op]
}

const limitedWorld = `
-- manifest.json --
{"tools": [{"name": "refund", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}}]}
-- policies/shop.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {name: small-refunds, actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [CLERK], condition: {match: {expr: R.attr.arguments.amount < 100.0}}}
    - {name: audits, actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [AUDITOR]}`
