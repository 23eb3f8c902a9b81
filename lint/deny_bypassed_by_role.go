package lint

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// bypasses bounds for how many pairs of principal and item a DENY is compared with
// what other roles allow.
const bypasses = 64

// denyBypassedByRole flags DENY rules that apply to a declared principal for
// one of its roles, and do not keep it from anything, because another of its
// roles is allowed.
var denyBypassedByRole = &Rule{
	ID:       "deny-bypassed-by-role",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	needs:    []need{needConditions},
	Doc: Doc{
		Summary: "A DENY on one role is defeated by an ALLOW through another role of the same principal",
		Rationale: "To Cerbos roles are a union: a DENY beats the ALLOWs of the same role, and any other role of the " +
			"principal that comes out allowed wins. A DENY for contractors does nothing to a contractor who is in sales. " +
			"What nobody may have belongs on the role `*`, or in a condition of what allows.",
		Bad: `
-- manifest.json --
{"tools": [{"name": "export"}]}
-- principals.yaml --
principals:
  carl: {id: carl, roles: [CONTRACTOR, SALES]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::export"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["tools/call::export"], effect: EFFECT_DENY, roles: [CONTRACTOR]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "export"}]}
-- principals.yaml --
principals:
  carl: {id: carl, roles: [CONTRACTOR, SALES]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::export"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["tools/call::export"], effect: EFFECT_DENY, roles: ["*"], condition: {match: {expr: '"CONTRACTOR" in P.roles'}}}
`,
		Fix:       "Deny it to the role *, with a condition that says whom it is for.",
		Standards: []string{"CWE-863", "OWASP MCP02:2025", "ASI03", "NHI5:2025"},
	},
	Ask: func(ctx context.Context, p *Pass) error {
		if p.Policies == nil {
			return nil
		}
		tried := map[*policy.Rule]int{}
		found := map[*policy.Rule]map[*manifest.Item]bool{}
		for _, c := range p.Matrix.Classes {
			who := c.First()
			if len(who.Roles) < 2 {
				continue
			}
			for _, col := range p.index.UsesFirst() {
				cell := p.cell(c, col)
				if !granted(cell) || col.ShowsOthers() {
					continue
				}
				for _, part := range cell.Rules {
					r := part.Syntax
					if r == nil || r.Effect != authz.Deny || part.Effect != authz.Deny || part.Met == authz.Unmet ||
						r.Policy.Kind != policy.ResourcePolicy || found[r][col.Item] || tried[r] >= bypasses {
						continue
					}
					tried[r]++
					b, err := findBypass(ctx, p, who, col, cell, r)
					if err != nil {
						return err
					}
					if b == nil {
						continue
					}
					if found[r] == nil {
						found[r] = map[*manifest.Item]bool{}
					}
					found[r][col.Item] = true
					reportBypass(p, r, c, col, b)
				}
			}
		}
		return nil
	},
}

// A bypassed is a request that a DENY applies to and that is allowed.
type bypassed struct {
	*Witness
	by    []matrix.Rule // what allows
	roles []string      // of the principal, that the DENY is for
}

func reportBypass(p *Pass, r *policy.Rule, c *matrix.Class, col *matrix.Column, b *bypassed) {
	f := about(col)
	f.standAt(r.Pos, r.ID)
	f.Cause, f.Witness = causeOf(keyOf(r), col.Operation.String()), b.Witness
	f.Evidence = append([]string{cite(r)}, citeAll(b.by)...)
	text := ""
	if b.Arguments != nil {
		text = " with " + compact(b.Arguments)
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("The engine denies %s to %s with the %s %s alone, and allows it with all the roles %s%s.",
		p.index.Asked(col)[len(p.index.Asked(col))-1].Action, b.Principal, plural(len(b.roles), "role", "roles"), listing(b.roles, people),
		listing(c.First().Roles, people), text))
	p.report(draft{
		Finding: f, who: wholly([]*matrix.Class{c}),
		say: func(e *effects) string {
			return fmt.Sprintf("%s does not keep %s from %s %s, which another role allows", called(r), p.namesIn(e.who),
				doing(col.Operation), e.listed())
		},
	})
}

// findBypass returns a request of a principal that a DENY applies to for some of
// its roles, so that those alone are refused, and that is allowed for others.
func findBypass(ctx context.Context, p *Pass, who *authz.Principal, col *matrix.Column, cell *matrix.Cell, r *policy.Rule) (*bypassed, error) {
	concerned := *who
	concerned.Roles = p.index.Concerned(r, who.Roles)
	if len(concerned.Roles) == 0 || len(concerned.Roles) == len(who.Roles) {
		return nil, nil
	}
	if !allowedBesides(p, cell, slices.DeleteFunc(slices.Clone(who.Roles), func(role string) bool { return slices.Contains(concerned.Roles, role) })) {
		return nil, nil
	}
	b := &bypass{p: p, who: who, concerned: &concerned, column: col, cell: cell, rule: r}
	b.depends = slices.ContainsFunc(cell.Rules, func(part matrix.Rule) bool { return part.Met == authz.Depends })
	if x := p.reasoner(); x == nil || !b.depends {
		return b.among(ctx, []map[string]any{nil})
	}
	return b.find(ctx)
}

// A bypass is a DENY that is tried for a principal: whether there is a request that it
// denies to some of the roles alone and that all of them are allowed.
type bypass struct {
	p         *Pass
	who       *authz.Principal
	concerned *authz.Principal // with the roles that the DENY is for
	column    *matrix.Column
	cell      *matrix.Cell // of who
	rule      *policy.Rule
	depends   bool // on the arguments
}

// find asks the solver for arguments, and where it does not know tries some.
func (b *bypass) find(ctx context.Context) (*bypassed, error) {
	x := b.p.reasons
	w, goals, known, err := b.asked(ctx)
	if err != nil {
		return nil, err
	}
	if known {
		var found *bypassed
		answer, err := x.Solve(ctx, w, goals, func(ctx context.Context, requests []authz.Request, _ time.Time) (bool, error) {
			found, err = b.among(ctx, []map[string]any{argumentsIn(&requests[0], w.Requests[0].Unknown)})
			return found != nil, err
		})
		switch {
		case err != nil || answer.Verdict == solver.Impossible:
			return nil, err
		case answer.Verdict == solver.Possible:
			return b.shrunk(ctx, found)
		}
	}
	for list := range witness.Within(x.Finder.Search(coverage.Plain(b.column), b.who, b.cell.Rules...)) {
		if found, err := b.among(ctx, list); err != nil || found != nil {
			return found, err
		}
	}
	return nil, nil
}

// asked returns what the solver is asked: that the principal is allowed, that the roles
// alone are not, and that the rule is met. It is not known what that is where a condition
// is not written down.
func (b *bypass) asked(ctx context.Context) (w *solver.World, goals []solver.Goal, known bool, err error) {
	if !b.p.budget.Afford(1) {
		return nil, nil, false, nil
	}
	alone, err := b.p.Matrix.Look(ctx, coverage.Plain(b.column), []*authz.Principal{b.concerned})
	if err != nil {
		return nil, nil, false, err
	}
	w = &solver.World{Requests: []authz.Request{asking(b.column, b.who), asking(b.column, b.concerned)}, Calls: []int{0, 0, 0}, Arguments: []any{b.p.reasons.Arguments(b.column.Item)}}
	all, ok := allows(b.cell, &w.Requests[0])
	some, also := allows(alone[0], &w.Requests[1])
	if !ok || !also {
		return w, nil, false, nil
	}
	goals = []solver.Goal{
		{Formula: all, Request: 0, To: solver.Only(solver.Met)},
		{Formula: some, Request: 1, To: solver.Only(solver.Unmet, solver.Errored)},
	}
	for _, a := range b.p.index.Asked(b.column) {
		if f := b.p.reasons.Formulas(b.rule, ""); f != nil && a.Target.Reaches(b.rule) && b.rule.CoversAction(a.Action) {
			r := *a.Request
			r.Principal = b.concerned
			w.Requests, goals = append(w.Requests, r), append(goals, f.Met(2)...)
			break
		}
	}
	w.Calls = w.Calls[:len(w.Requests)]
	return w, goals, true, nil
}

// allows returns when a cell is allowed, if that is written down.
func allows(cell *matrix.Cell, r *authz.Request) (solver.Formula, bool) {
	open := cell.Open()
	switch {
	case open.IsZero() && denied(cell):
		return solver.None(solver.All()), true
	case open.IsZero():
		return solver.All(), true
	case len(open.Reads().Resource) > 0:
		return solver.Formula{}, false
	}
	return solver.Of(open, r)
}

// among returns the first of some arguments that the engine decides so.
func (b *bypass) among(ctx context.Context, list []map[string]any) (*bypassed, error) {
	var attempts []attempt
	for _, arguments := range list {
		attempts = append(attempts, attempt{b.who, b.column, arguments}, attempt{b.concerned, b.column, arguments})
	}
	cells, err := b.p.decide(ctx, attempts)
	if err != nil || cells == nil {
		return nil, err
	}
	fired := func(part matrix.Rule) bool { return part.Syntax == b.rule && part.Met == authz.Fired }
	for i, arguments := range list {
		all, alone := &cells[2*i], &cells[2*i+1]
		if !allowed(all) || !denied(alone) || !slices.ContainsFunc(alone.Rules, fired) {
			continue
		}
		found := &bypassed{Witness: witnessIn(b.column, b.who, nil), by: all.Decisive(), roles: b.concerned.Roles}
		if b.depends {
			found.Arguments = arguments
		}
		return found, nil
	}
	return nil, nil
}

// shrunk leaves out the arguments that do not matter.
func (b *bypass) shrunk(ctx context.Context, found *bypassed) (*bypassed, error) {
	for _, name := range slices.Sorted(maps.Keys(found.Arguments)) {
		less := attempt{arguments: found.Arguments}.without(name).arguments
		if !b.p.reasons.Finder.Schema(b.column.Item).Allows(less) {
			continue
		}
		smaller, err := b.among(ctx, []map[string]any{less})
		if err != nil {
			return nil, err
		}
		if smaller != nil {
			found = smaller
		}
	}
	return found, nil
}

// allowedBesides reports whether a rule that may allow what a cell is about is
// for one of the roles.
func allowedBesides(p *Pass, cell *matrix.Cell, roles []string) bool {
	return slices.ContainsFunc(cell.Rules, func(part matrix.Rule) bool {
		r := part.Syntax
		return part.Effect == authz.Allow && part.Met != authz.Unmet &&
			(r == nil || r.Policy.Kind != policy.ResourcePolicy || len(p.index.Concerned(r, roles)) > 0)
	})
}
