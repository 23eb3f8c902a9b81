package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// costliest adds to an error about policies that take too much where the
// expression stands that looks the most expensive. The engine does not say which
// one it is at.
func (c *course) costliest(err error) error {
	c.mu.Lock()
	policies := c.policies
	c.mu.Unlock()
	if policies == nil {
		return err
	}
	var worst policy.Text
	most := 0.0
	for _, p := range policies.Policies {
		variables := map[string]string{}
		for _, v := range visible(policies, p) {
			variables[v.Name.Value] = v.Expr.Value
		}
		for _, x := range expressions(p) {
			if cost := pdp.Cost(x.Value, variables); cost > most {
				most, worst = cost, x
			}
		}
	}
	if most == 0 {
		return err
	}
	return source.Errorf(worst.Pos, "%w; of all expressions this one looks the costliest: simplify it, or allow more with --condition-timeout or --condition-memory", err)
}

// visible lists the variables that a policy's expressions see.
func visible(policies *policy.Set, p *policy.Policy) []policy.Variable {
	list := slices.Clone(p.Variables.Local)
	for _, name := range p.Variables.Imports {
		if set := policies.Import(policy.ExportVariables, name.Value); set != nil {
			list = append(list, set.Variables.Local...)
		}
	}
	return list
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

// refuseExplosive refuses variables that add each other up until no memory holds
// them, before the engine tries.
func refuseExplosive(policies *policy.Set) error {
	var errs []error
	for _, p := range policies.Policies {
		variables := map[string]string{}
		for _, v := range visible(policies, p) {
			variables[v.Name.Value] = v.Expr.Value
		}
		for _, v := range p.Variables.Local {
			if strings.ContainsAny(v.Expr.Value, "+[") && pdp.Explodes(v.Expr.Value, variables) {
				errs = append(errs, source.Errorf(v.Expr.Pos, "variable %s adds up other variables more than a million times: name each of them once", v.Name.Value))
				break // those that name it do so too
			}
		}
	}
	return errors.Join(errs...)
}
