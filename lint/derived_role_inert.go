package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/reason"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// activations bounds what is tried to activate one derived role.
const activations = 2000

// derivedRoleInert flags derived roles that do nothing: no rule is for them, or
// none of the declared principals ever has them.
var derivedRoleInert = &Rule{
	ID:       "derived-role-inert",
	Family:   unreachable,
	Severity: authz.SeverityWarning,
	needs:    []need{needConditions, needEvaluation, needReads},
	Doc: Doc{
		Summary: "A derived role that no policy imports or uses, or that no declared principal can ever activate",
		Rationale: `A derived role that is not imported does nothing, and Cerbos does not say so. One whose parent roles
nobody holds, or whose condition nobody meets, makes every rule that is for it dead: an ALLOW that somebody relies on,
or a DENY that is thought to protect something.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "greet"}]}
-- policies/roles.yaml --
apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: desk_roles
  definitions:
    - {name: emea_sales, parentRoles: [SALES], condition: {match: {expr: P.attr.regoin == "EMEA"}}}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  importDerivedRoles: [desk_roles]
  rules:
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, derivedRoles: [emea_sales]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "greet"}]}
-- policies/roles.yaml --
apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: desk_roles
  definitions:
    - {name: emea_sales, parentRoles: [SALES], condition: {match: {expr: P.attr.region == "EMEA"}}}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  importDerivedRoles: [desk_roles]
  rules:
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, derivedRoles: [emea_sales]}
`,
		Fix:       "Correct its parent roles or condition, use it in a rule, or take it out.",
		Standards: deadRule,
	},
	Ask: func(ctx context.Context, p *Pass) error {
		if p.Policies == nil {
			return nil
		}
		if err := prepareActivations(ctx, p); err != nil {
			return err
		}
		for _, set := range p.Policies.Policies {
			if set.Kind != policy.DerivedRoles || set.Disabled {
				continue
			}
			for _, d := range set.DerivedRoles {
				text, evidence, err := whyInert(ctx, p, d)
				if err != nil {
					return err
				}
				if text != "" {
					p.report(draft{Finding: Finding{
						Pos: d.NamePos, Message: fmt.Sprintf("the derived role %s does nothing: %s", d.Name, text), Evidence: evidence,
					}})
				}
			}
		}
		return nil
	},
}

// whyInert says why a derived role does nothing, or "".
func whyInert(ctx context.Context, p *Pass, d *policy.DerivedRole) (text string, evidence []string, err error) {
	parents := "Its parent " + plural(len(d.ParentRoles), "role", "roles") + ": " + listing(values(d.ParentRoles), people)
	imported, read := importsOf(p, d)
	rules := rulesForDerivedRole(p, d)
	switch {
	case !imported:
		return "no policy imports " + d.Set.Name, []string{parents}, nil
	case len(rules) == 0 && !read:
		return "no rule is for it", []string{parents}, nil
	case len(rules) == 0 || len(p.Matrix.Classes) == 0:
		return "", nil, nil
	case !slices.ContainsFunc(rules, func(r *policy.Rule) bool { return len(p.index.TargetsOf(r)) > 0 }):
		return "", nil, nil // not about any of the servers
	}
	for _, r := range rules[:min(len(rules), reasons)] {
		evidence = append(evidence, cite(r))
	}
	held := rolesHeld(p)
	holds := func(held []string) bool {
		return slices.ContainsFunc(d.ParentRoles, func(parent policy.Text) bool {
			return slices.ContainsFunc(held, func(role string) bool { return matchesRole(parent.Value, role) })
		})
	}
	if !holds(held) {
		return fmt.Sprintf("no declared principal has the parent %s %s", plural(len(d.ParentRoles), "role", "roles"),
			listing(values(d.ParentRoles), people)), evidence, nil
	}
	x := p.reasoner()
	if x == nil || d.Condition == nil || slices.ContainsFunc(p.Policies.Policies, func(o *policy.Policy) bool { return o.Kind == policy.RolePolicy && !o.Disabled }) {
		return "", nil, nil // which parents a role policy adds is for the engine to say
	}
	var classes []*matrix.Class
	for _, c := range p.Matrix.Classes {
		if holds(c.First().Roles) {
			classes = append(classes, c)
		}
	}
	active, err := canBeActive(ctx, p, d, rules, classes)
	if err != nil || active {
		return "", nil, err
	}
	evidence = append(evidence, "Its condition: "+oneLine(d.Condition.String()))
	evidence = append(evidence, lackedBy(p, d, rules, classes)...)
	return fmt.Sprintf("%s %s a parent role of it, and %s its condition", p.names(classes),
		plural(size(classes), "has", "have"), plural(size(classes), "never meets", "never meet")), evidence, nil
}

// importsOf reports whether a policy imports the set of a derived role, and
// whether such a policy reads which derived roles are active.
func importsOf(p *Pass, d *policy.DerivedRole) (imported, read bool) {
	for _, x := range p.Policies.Policies {
		if x.Disabled || !slices.ContainsFunc(x.ImportDerivedRoles, func(t policy.Text) bool { return t.Value == d.Set.Name }) {
			continue
		}
		imported = true
		read = read || len(x.Variables.Imports) > 0
		for _, v := range x.Variables.Local {
			read = read || readsRuntime(v.Expr.Value)
		}
		for _, r := range x.Rules {
			for t := range r.Condition.Exprs() {
				read = read || readsRuntime(t.Value)
			}
			for _, t := range r.Outputs {
				read = read || readsRuntime(t.Value)
			}
		}
	}
	return imported, read
}

func readsRuntime(expr string) bool { return strings.Contains(expr, "runtime") }

// rulesForDerivedRole returns the rules that are for a derived role.
func rulesForDerivedRole(p *Pass, d *policy.DerivedRole) []*policy.Rule {
	var list []*policy.Rule
	for r := range p.Policies.Rules() {
		if slices.ContainsFunc(r.DerivedRoles, func(t policy.Text) bool {
			return t.Value == d.Name && p.Policies.DerivedRole(r.Policy, t.Value) == d
		}) {
			list = append(list, r)
		}
	}
	return list
}

// prepareActivations has the engine compile the conditions of derived roles together.
func prepareActivations(ctx context.Context, p *Pass) error {
	if p.reasoner() == nil || len(p.Matrix.Classes) == 0 {
		return nil
	}
	var formulas []solver.Formula
	var request *authz.Request
	for r := range p.Policies.Rules() {
		requests := p.index.Covered(r)
		if len(r.DerivedRoles) == 0 || len(requests) == 0 {
			continue
		}
		for _, name := range r.DerivedRoles {
			if f := p.reasons.Formulas(r, name.Value); f != nil {
				formulas = append(formulas, f.Condition())
			}
		}
		if request == nil {
			like := *requests[0].Request
			like.Principal = p.Matrix.Classes[0].First()
			request = &like
		}
	}
	if request == nil {
		return nil
	}
	return p.reasons.Prepare(ctx, request, formulas)
}

// canBeActive reports whether one of the classes may have a derived role, for
// some request that one of the rules covers; also if that is not known.
func canBeActive(ctx context.Context, p *Pass, d *policy.DerivedRole, rules []*policy.Rule, classes []*matrix.Class) (bool, error) {
	tried := 0
	for _, r := range rules {
		conditions := slices.DeleteFunc(slices.Clone(p.reasons.Finder.Conditions(r.ID)), func(c *pdp.Condition) bool {
			return !slices.ContainsFunc(c.Uses, func(u pdp.Use) bool { return u.Rule == r.ID && u.DerivedRole == d.Name })
		})
		f := p.reasons.Formulas(r, d.Name)
		if f == nil || len(conditions) != 1 || conditions[0].Globals {
			return true, nil
		}
		requests := p.index.Covered(r)
		for i, of := range requests {
			if i > 0 && of.Target == requests[0].Target && !reason.ReadsResource(conditions[0], nil) {
				continue // the same to the condition
			}
			for _, class := range classes {
				if tried++; tried > activations {
					return true, nil
				}
				w := &solver.World{Requests: []authz.Request{*of.Request}}
				w.Requests[0].Principal = class.First()
				if never, err := p.reasons.Impossible(ctx, w, f.Met(0)); err != nil || !never {
					return true, err
				}
			}
		}
	}
	return tried == 0, nil
}

// lackedBy says which attributes that the condition of a derived role reads none of the classes
// has: that is why it is not met.
func lackedBy(p *Pass, d *policy.DerivedRole, rules []*policy.Rule, classes []*matrix.Class) []string {
	var holding []any
	for _, c := range classes {
		holding = append(holding, c.First().Attr)
	}
	var lines []string
	for _, r := range rules {
		x := p.readings.of[r]
		if x == nil {
			continue
		}
		for _, read := range x.reads {
			if !read.Principal || read.Place.DerivedRole != d.Name {
				continue
			}
			s := supplied(holding, read.Path)
			if s.step == len(read.Path) {
				continue
			}
			line := fmt.Sprintf("none of them has principal.%s", pathName(read.Path[:s.step+1]))
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}
