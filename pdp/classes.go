package pdp

import (
	"encoding/json"
	"fmt"
	"slices"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Class returns a key that is the same for two principals only if the policies
// cannot tell them apart: every request gets the same decision for both. It
// looks at what the compiled policies read, at the roles, the scope and the
// policy version, and at the id where a principal policy is about it.
func (e *Engine) Class(p *authz.Principal) string {
	r := e.classes
	list := []any{e.rolesOf(p), p.Scope, p.PolicyVersion}
	list = append(list, r.principalValues(p)...)
	if r.principalID || r.other || e.principalPolicies[p.ID] {
		list = append(list, p.ID)
	}
	if r.auxData || r.other {
		list = append(list, p.AuxData, p.JWTs)
	}
	if r.other {
		list = append(list, p.Attr)
	}
	b, err := json.Marshal(list)
	if err != nil {
		return fmt.Sprint(list...) // never: attributes are JSON values
	}
	return string(b)
}

// rolesOf returns the roles that the engine is asked about: as they are where
// an expression reads them as a list; each once where evaluation is strict,
// because the engine then stops at the first role that allows or errs; and
// otherwise sorted, because they are a union.
func (e *Engine) rolesOf(p *authz.Principal) []string {
	if e.rolesRead() {
		return p.Roles
	}
	if e.options.StrictEvaluation {
		return ordered.Distinct(p.Roles)
	}
	roles := slices.Clone(p.Roles)
	slices.Sort(roles)
	return slices.Compact(roles)
}

// rolesRead reports whether an expression sees the list of roles that the
// principal holds, or what follows from it.
func (e *Engine) rolesRead() bool {
	return e.classes.roles || e.derivedRolesRead()
}

// derivedRolesRead reports whether an expression sees the list of derived roles
// that are in effect.
func (e *Engine) derivedRolesRead() bool { return e.classes.derivedRoles || e.classes.other }

// classReads collects what all expressions of the policies look at, and the
// schemas, if the engine minds them.
func (e *Engine) classReads() *reads {
	all := &reads{}
	seen := map[string]bool{}
	add := func(x *runtimev1.Expr) {
		if text := x.GetOriginal(); text != "" && !seen[text] {
			seen[text] = true
			all.merge(readsOf(text))
		}
	}
	walked := map[*runtimev1.Condition]bool{} // a rule's rows share it
	condition := func(c *runtimev1.Condition) {
		if !walked[c] {
			walked[c] = true
			walkCondition(c, add)
		}
	}
	variables := func(list []*runtimev1.Variable) {
		for _, v := range list {
			add(v.GetExpr())
		}
	}
	for _, row := range e.tables.rows {
		condition(row.Condition)
		condition(row.DerivedRoleCondition)
		variables(row.Params.GetOrderedVariables())
		variables(row.DerivedRoleParams.GetOrderedVariables())
	}
	for _, roles := range e.tables.base.PolicyDerivedRoles {
		for _, dr := range roles.GetDerivedRoles() {
			condition(dr.GetCondition())
			variables(dr.GetOrderedVariables())
		}
	}
	if e.options.Schemas != EnforceNone && e.schemas.ofPrincipals {
		all.allOfPrincipal()
	}
	return all
}

// derivedRolesOpen reports whether the set of derived roles depends on what is
// unknown. Cerbos computes it for conditions that read runtime.
func (e *Engine) derivedRolesOpen(o *openness) bool {
	seen := map[*runtimev1.RunnableDerivedRole]bool{}
	for _, roles := range e.tables.base.PolicyDerivedRoles {
		for _, dr := range roles.GetDerivedRoles() {
			if seen[dr] {
				continue // policies that import it share it
			}
			seen[dr] = true
			of := o.with(dr.GetOrderedVariables(), dr.GetConstants())
			open := false
			walkCondition(dr.GetCondition(), func(x *runtimev1.Expr) {
				parsed, err := expr.Parse(x.GetOriginal())
				open = open || err != nil || of.isOpen(parsed, nil)
			})
			if open {
				return true
			}
		}
	}
	return false
}

// walkCondition calls f with each expression of a condition.
func walkCondition(c *runtimev1.Condition, f func(*runtimev1.Expr)) {
	list := func(of *runtimev1.Condition_ExprList) {
		for _, x := range of.GetExpr() {
			walkCondition(x, f)
		}
	}
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_All:
		list(op.All)
	case *runtimev1.Condition_Any:
		list(op.Any)
	case *runtimev1.Condition_None:
		list(op.None)
	case *runtimev1.Condition_Expr:
		f(op.Expr)
	}
}

func variablesOf(params *runtimev1.RuleTable_RuleRow_Params) map[string]string {
	return variables(params.GetOrderedVariables())
}

// variables maps the variables that a policy's expressions see to their
// definitions.
func variables(list []*runtimev1.Variable) map[string]string {
	m := make(map[string]string, len(list))
	for _, v := range list {
		m[v.GetName()] = v.GetExpr().GetOriginal()
	}
	return m
}

// readsWith is readsOf, with what the variables look at where the expression
// uses them.
func readsWith(text string, params *runtimev1.RuleTable_RuleRow_Params) *reads {
	r := readsOf(text)
	if r.variables {
		for _, definition := range variablesOf(params) {
			r.merge(readsOf(definition))
		}
	}
	return r
}
