package embedded

import (
	"encoding/json"
	"fmt"
	"slices"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Class returns a key that is the same for two principals only if the policies
// cannot tell them apart: every request gets the same decision for both. It
// looks at what the compiled policies read, at the roles, the scope and the
// policy version, and at the id where a principal policy is about it.
func (e *Engine) Class(p *authz.Principal) string {
	r := e.classes
	list := []any{e.rolesOf(p), p.Scope, p.PolicyVersion}
	list = r.PrincipalValues(list, p)
	if r.PrincipalID || r.Other || e.principalPolicies[p.ID] {
		list = append(list, p.ID)
	}
	if r.AuxData || r.Other {
		list = append(list, p.AuxData, p.JWTs)
	}
	if r.Other {
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
	return e.classes.Roles || e.derivedRolesRead()
}

// derivedRolesRead reports whether an expression sees the list of derived roles
// that are in effect.
func (e *Engine) derivedRolesRead() bool { return e.classes.DerivedRoles || e.classes.Other }

// classReads collects what all expressions of the policies look at, and the
// schemas, if the engine minds them.
func (e *Engine) classReads() *cel.Reads {
	all := &cel.Reads{}
	seen := map[string]bool{}
	add := func(x *runtimev1.Expr) {
		if text := x.GetOriginal(); text != "" && !seen[text] {
			seen[text] = true
			all.Merge(cel.ReadsOf(text))
		}
	}
	walked := map[*runtimev1.Condition]bool{} // a rule's rows share it
	condition := func(c *runtimev1.Condition) {
		if !walked[c] {
			walked[c] = true
			cel.WalkCondition(c, add)
		}
	}
	variables := func(list []*runtimev1.Variable) {
		for _, v := range list {
			add(v.GetExpr())
		}
	}
	for _, row := range e.tables.Rows {
		condition(row.Condition)
		condition(row.DerivedRoleCondition)
		variables(row.Params.GetOrderedVariables())
		variables(row.DerivedRoleParams.GetOrderedVariables())
	}
	for _, roles := range e.tables.Base.PolicyDerivedRoles {
		for _, dr := range roles.GetDerivedRoles() {
			condition(dr.GetCondition())
			variables(dr.GetOrderedVariables())
		}
	}
	if e.options.Schemas != pdp.EnforceNone && e.schemas.ofPrincipals {
		all.AllOfPrincipal()
	}
	return all
}

// derivedRolesOpen reports whether the set of derived roles depends on what is
// unknown. Cerbos computes it for conditions that read runtime.
func (e *Engine) derivedRolesOpen(o *cel.Openness) bool {
	seen := map[*runtimev1.RunnableDerivedRole]bool{}
	for _, roles := range e.tables.Base.PolicyDerivedRoles {
		for _, dr := range roles.GetDerivedRoles() {
			if seen[dr] {
				continue // policies that import it share it
			}
			seen[dr] = true
			of := o.With(dr.GetOrderedVariables(), dr.GetConstants())
			open := false
			cel.WalkCondition(dr.GetCondition(), func(x *runtimev1.Expr) {
				parsed, err := expr.Parse(x.GetOriginal())
				open = open || err != nil || of.IsOpen(parsed, nil)
			})
			if open {
				return true
			}
		}
	}
	return false
}
