package workspace

import (
	"bytes"
	"slices"

	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/policy"
)

// Costliest returns the expression or the reference to a schema that looks the costliest
// to evaluate; the zero value if there is none. It is an estimate, for an engine does
// not say what it is at.
func Costliest(policies *policy.Set) (worst policy.Text) {
	most := 0.0
	for _, p := range policies.Policies {
		scope := cel.NewScope(definitionsOf(policies, p), constantsOf(policies, p))
		for _, x := range expressions(p) {
			if cost := scope.Cost(x.Value); cost > most {
				most, worst = cost, x
			}
		}
	}
	if most < usualCost {
		if schema := costliestSchema(policies); schema.Value != "" {
			return schema
		}
	}
	return worst
}

// usualCost is more than expressions cost that are not made to.
const usualCost = 100_000

// costliestSchema returns the reference to the schema that refers the most; the zero
// value if none refers twice.
func costliestSchema(policies *policy.Set) (worst policy.Text) {
	most := 1
	for _, p := range policies.Policies {
		for _, ref := range []*policy.SchemaRef{p.PrincipalSchema, p.ResourceSchema} {
			if schema := policies.Schema(ref); schema != nil {
				if n := bytes.Count(schema.Data, []byte(`ef"`)); n > most { // $ref and $dynamicRef
					most, worst = n, ref.Ref
				}
			}
		}
	}
	return worst
}

// definitionsOf returns the variables that a policy's expressions see.
func definitionsOf(policies *policy.Set, p *policy.Policy) map[string]string {
	variables := map[string]string{}
	for _, name := range p.Variables.Imports {
		if set := policies.Import(policy.ExportVariables, name.Value); set != nil {
			for _, v := range set.Variables.Local {
				variables[v.Name.Value] = v.Expr.Value
			}
		}
	}
	for _, v := range p.Variables.Local {
		variables[v.Name.Value] = v.Expr.Value
	}
	return variables
}

// constantsOf returns the constants that they see.
func constantsOf(policies *policy.Set, p *policy.Policy) map[string]any {
	constants := map[string]any{}
	for _, name := range p.Constants.Imports {
		if set := policies.Import(policy.ExportConstants, name.Value); set != nil {
			for _, c := range set.Constants.Local {
				constants[c.Name.Value] = c.Value
			}
		}
	}
	for _, c := range p.Constants.Local {
		constants[c.Name.Value] = c.Value
	}
	return constants
}

// expressions lists the expressions of a policy.
func expressions(p *policy.Policy) []policy.Text {
	var list []policy.Text
	for _, v := range p.Variables.Local {
		list = append(list, v.Expr)
	}
	for _, d := range p.DerivedRoles {
		list = slices.AppendSeq(list, d.Condition.Exprs())
	}
	for _, r := range p.Rules {
		list = append(slices.AppendSeq(list, r.Condition.Exprs()), r.Outputs...)
	}
	return list
}
