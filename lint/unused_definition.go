package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// unusedDefinition flags variables, constants and imports that nothing uses.
// An exported definition is used if some policy that imports it uses it.
var unusedDefinition = &Rule{
	ID:       "unused-definition",
	Family:   unreachable,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "A variable, constant or import that nothing uses",
		Rationale: `A limit that no condition reads looks like one that holds. Often the rule that used it was copied
with the number written out, or was taken away and left its vocabulary behind. An import that nothing uses may be a rule
that somebody forgot to write. Cerbos evaluates every variable of a policy for every request, used or not.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "refund"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  constants: {local: {limit: 500}}
  variables: {local: {own_region: R.attr.arguments.region == P.attr.region}}
  rules:
    - actions: ["tools/call::refund"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: V.own_region && R.attr.arguments.amount <= 5000}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "refund"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  constants: {local: {limit: 500}}
  variables: {local: {own_region: R.attr.arguments.region == P.attr.region}}
  rules:
    - actions: ["tools/call::refund"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: V.own_region && R.attr.arguments.amount <= C.limit}}
`,
		Fix:       "Use it, or take it out.",
		Standards: []string{"CWE-561"},
	},
	Check: func(p *Pass) {
		if p.Policies == nil {
			return
		}
		exported := map[definition]bool{} // those that somebody uses
		imported := map[*policy.Policy]bool{}
		for _, x := range p.Policies.Policies {
			if x.Disabled || x.Kind == policy.ExportVariables || x.Kind == policy.ExportConstants {
				continue
			}
			reportUnused(p, x, exported, imported)
		}
		for _, set := range p.Policies.Policies {
			switch {
			case set.Disabled || set.Kind != policy.ExportVariables && set.Kind != policy.ExportConstants:
			case !imported[set]:
				reportUnusedOne(p, policy.Text{Pos: set.NamePos}, fmt.Sprintf("no policy imports %s", set.Name), set)
			default:
				for _, d := range definitions(set) {
					if !exported[d.definition] {
						reportUnusedOne(p, d.text(), fmt.Sprintf("no policy that imports %s uses the %s %s", set.Name, d.noun(), d.name), set)
					}
				}
			}
		}
	},
}

// A definition is a variable or a constant.
type definition struct {
	set      *policy.Policy // that it stands in
	constant bool
	name     string
}

func (d *definition) noun() string {
	if d.constant {
		return "constant"
	}
	return "variable"
}

// A defined is a definition, where it stands, and what it says.
type defined struct {
	definition
	pos  source.Pos
	expr string
}

func (d *defined) text() policy.Text { return policy.Text{Value: d.name, Pos: d.pos} }

// definitions lists what stands in a policy itself.
func definitions(x *policy.Policy) []defined {
	var list []defined
	for _, v := range x.Variables.Local {
		list = append(list, defined{definition{x, false, v.Name.Value}, v.Name.Pos, v.Expr.Value})
	}
	for _, c := range x.Constants.Local {
		list = append(list, defined{definition{x, true, c.Name.Value}, c.Name.Pos, ""})
	}
	return list
}

// reportUnused reports what a policy defines or imports for nothing, and takes
// down what it uses of what others export.
func reportUnused(p *Pass, x *policy.Policy, exported map[definition]bool, imported map[*policy.Policy]bool) {
	visible := definitions(x)
	sets := map[*policy.Policy]policy.Text{}
	for _, of := range []struct {
		kind policy.Kind
		list []policy.Text
	}{{policy.ExportVariables, x.Variables.Imports}, {policy.ExportConstants, x.Constants.Imports}} {
		for _, name := range of.list {
			if set := p.Policies.Import(of.kind, name.Value); set != nil {
				imported[set], sets[set] = true, name
				visible = append(visible, definitions(set)...)
			}
		}
	}
	used, runtime := usedBy(x, visible)
	for _, d := range visible {
		switch {
		case used[d.definition]:
			exported[d.definition] = true
			delete(sets, d.set)
		case d.set == x:
			reportUnusedOne(p, d.text(), fmt.Sprintf("nothing uses the %s %s", d.noun(), d.name), x)
		}
	}
	for set, name := range sets { // in any order: whoever called sorts
		reportUnusedOne(p, name, fmt.Sprintf("nothing uses what is imported from %s", set.Name), x)
	}
	for _, name := range x.ImportDerivedRoles {
		set := p.Policies.Import(policy.DerivedRoles, name.Value)
		if set == nil || runtime {
			continue
		}
		names := func(r *policy.Rule) bool {
			return slices.ContainsFunc(r.DerivedRoles, func(role policy.Text) bool {
				return slices.ContainsFunc(set.DerivedRoles, func(d *policy.DerivedRole) bool { return d.Name == role.Value })
			})
		}
		if !slices.ContainsFunc(x.Rules, names) {
			reportUnusedOne(p, name, fmt.Sprintf("no rule is for a derived role of %s", set.Name), x)
		}
	}
}

// reportUnusedOne reports what stands in a policy for nothing. What is not a policy as a
// whole can be taken out.
func reportUnusedOne(p *Pass, what policy.Text, message string, in *policy.Policy) {
	f := Finding{Pos: what.Pos, Message: message, Evidence: []string{fmt.Sprintf("%s  %s %s", in.Pos, in.Kind, in.Name)}}
	if what.Value != "" {
		f.Edits = []fix.Edit{{Pos: what.Pos, Old: what.Value, Remove: true}}
	}
	p.report(draft{Finding: f})
}

// usedBy returns which definitions the expressions of a policy use, by way of
// others too, and whether some expression may look at the derived roles.
func usedBy(x *policy.Policy, visible []defined) (used map[definition]bool, runtime bool) {
	used = map[definition]bool{}
	var use func(text string)
	use = func(text string) {
		m := pdp.Mentions(text)
		runtime = runtime || m.Runtime
		for _, d := range visible {
			names := m.Variables
			if d.constant {
				names = m.Constants
			}
			if (m.Any || slices.Contains(names, d.name)) && !used[d.definition] {
				used[d.definition] = true
				if !d.constant {
					use(d.expr)
				}
			}
		}
	}
	conditions := make([]*policy.Condition, 0, len(x.Rules)+len(x.DerivedRoles))
	for _, r := range x.Rules {
		conditions = append(conditions, r.Condition)
		for _, output := range r.Outputs {
			use(output.Value)
		}
	}
	for _, d := range x.DerivedRoles {
		conditions = append(conditions, d.Condition)
	}
	seen := map[string]bool{}
	for _, c := range conditions {
		for text := range c.Exprs() {
			if !seen[text.Value] {
				seen[text.Value] = true
				use(text.Value)
			}
		}
	}
	return used, runtime
}
