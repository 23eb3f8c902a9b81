package embedded

import (
	"context"
	"maps"
	"slices"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// Conditions can read runtime.effectiveDerivedRoles: the names of the derived
// roles that the policy uses, that the principal's roles are parents of and
// whose conditions are met. Where those conditions depend on the arguments, an
// exploration finds out what each comes to first; then the list is known.

// roleReads is what a leaf reads of the derived roles.
type roleReads struct {
	of map[string]*derivedRole // those that the leaf's policy uses
	// tested are the roles that the leaf asks for by name, if that is all.
	tested []string
	all    bool
}

// A derivedRole is a derived role of a policy that uses it.
type derivedRole struct {
	condition *runtimev1.Condition
	leaves    map[string]int // by the expressions of the condition
}

// readRoles makes an expression of a leaf read the list of derived roles from
// an attribute. It is not ok if there is more to it than that.
func (s *solver) readRoles(l *tables.Leaf, o *cel.Openness) (ast.Expr, *roleReads, bool) {
	expr, ok := o.ReadRoles(l.Text)
	if !ok {
		return nil, nil, false
	}
	r := &roleReads{of: map[string]*derivedRole{}}
	if l.Row.PolicyKind == policyv1.Kind_KIND_PRINCIPAL {
		return expr, r, true // they come before there are derived roles
	}
	if l.Row.FromRolePolicy {
		return nil, nil, false // of any resource policy
	}
	for name, dr := range s.engine.tables.DerivedRoles(l.Row.OriginFqn) {
		if r.of[name] = s.derivedRole(l.Row.OriginFqn, name, dr, o); r.of[name] == nil {
			return nil, nil, false
		}
	}
	r.tested, r.all = cel.RolesTested(expr)
	return expr, r, true
}

// derivedRole returns a derived role of a policy with the leaves that say if it
// is in the list, or nil if none can. Rules that are for the role have leaves,
// too, which are the same unless a variable cannot be evaluated: that leaves it
// without a value there, and makes it null in the list.
func (s *solver) derivedRole(fqn, name string, dr *runtimev1.RunnableDerivedRole, of *cel.Openness) *derivedRole {
	o := of.With(dr.GetOrderedVariables(), dr.GetConstants())
	role := &derivedRole{condition: dr.GetCondition(), leaves: map[string]int{}}
	ok := true
	cel.WalkCondition(dr.GetCondition(), func(x *runtimev1.Expr) {
		other, inList := o.InRoleList(x.GetOriginal(), s.engine.options.StrictEvaluation)
		if ok = ok && inList; !ok {
			return
		}
		l := s.engine.tables.LeafOf(x.GetOriginal(), fqn, name)
		if other != nil {
			l = s.further(l, other)
		}
		role.leaves[x.GetOriginal()] = l.Index
	})
	if !ok {
		return nil
	}
	return role
}

// further returns a leaf like another, with an expression of its own.
func (s *solver) further(like *tables.Leaf, of ast.Expr) *tables.Leaf {
	text := expr.Print(of)
	for _, l := range s.leaves[len(s.engine.tables.Leaves):] {
		if l.Row == like.Row && l.Text == text {
			return l
		}
	}
	l := &tables.Leaf{Index: len(s.leaves), Text: text, Row: like.Row, Expr: of}
	s.leaves = append(s.leaves, l)
	return l
}

// held has the engine list the derived roles of a leaf's policy that the
// principal's roles are parents of.
func (s *solver) held(ctx context.Context, l int, in *enginev1.CheckInput) ([]string, error) {
	values, err := s.evaluateActions(ctx, in, in.Resource, []string{tables.HeldAction(l)})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, v := range values[0].V.GetListValue().GetValues() {
		names = append(names, v.GetStringValue())
	}
	return names, nil
}

// effective is what an exploration knows of the derived roles that a leaf
// reads.
type effective struct {
	names   []string
	errored bool // one of them errs, which is only so when evaluation is strict
	missing int  // the group to know first, or -1
}

// effectiveRoles returns the effective derived roles that a leaf reads, for
// values of the groups.
func (x *exploration) effectiveRoles(ctx context.Context, l int, groups []groupValue) (effective, error) {
	reads := x.solver.roles[l]
	held, ok := x.held[l]
	if !ok {
		var err error
		if held, err = x.solver.held(ctx, l, x.in); err != nil {
			return effective{}, err
		}
		x.held[l] = held
	}
	roles := effective{missing: -1}
	for _, name := range slices.Sorted(maps.Keys(reads.of)) {
		if !slices.Contains(held, name) || !x.strict() && !reads.all && !slices.Contains(reads.tested, name) {
			continue
		}
		met, missing, err := x.conditionOf(ctx, reads.of[name].condition, reads.of[name], groups)
		if err != nil {
			return effective{}, err
		}
		switch {
		case missing >= 0 && roles.missing < 0:
			roles.missing = missing
		case met == isError:
			roles.errored = true
		case met == isTrue:
			roles.names = append(roles.names, name)
		}
	}
	return roles, nil
}

// conditionOf returns what the condition of a derived role comes to, or the
// group that has to be known first.
func (x *exploration) conditionOf(ctx context.Context, c *runtimev1.Condition, dr *derivedRole, groups []groupValue) (met groupValue, missing int, err error) {
	// each goes on until one comes to stop, as the engine does.
	each := func(of *runtimev1.Condition_ExprList, stop, stopped, otherwise groupValue) (groupValue, int, error) {
		for _, e := range of.GetExpr() {
			met, missing, err := x.conditionOf(ctx, e, dr, groups)
			switch {
			case err != nil || missing >= 0 || met == isError:
				return met, missing, err
			case met == stop:
				return stopped, -1, nil
			}
		}
		return otherwise, -1, nil
	}
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_All:
		return each(op.All, isFalse, isFalse, isTrue)
	case *runtimev1.Condition_Any:
		return each(op.Any, isTrue, isTrue, isFalse)
	case *runtimev1.Condition_None:
		return each(op.None, isTrue, isFalse, isTrue)
	case *runtimev1.Condition_Expr:
		st, _, err := x.leaf(ctx, dr.leaves[op.Expr.GetOriginal()], groups)
		switch {
		case err != nil:
			return isFree, -1, err
		case st.constant && st.errored && x.strict():
			return isError, -1, nil
		case st.constant && st.value:
			return isTrue, -1, nil
		case st.constant:
			return isFalse, -1, nil
		case of(groups, st.group) == isFree:
			return isFree, st.group, nil
		}
		return of(groups, st.group), -1, nil
	}
	return isTrue, -1, nil // no condition
}

// rolesValue is the list of roles as an attribute. Where one errs the list does, so
// that there is none then.
func rolesValue(roles effective) map[string]*structpb.Value {
	if roles.errored {
		return nil
	}
	list := make([]*structpb.Value, len(roles.names))
	for i, name := range roles.names {
		list[i] = structpb.NewStringValue(name)
	}
	return map[string]*structpb.Value{cel.RolesAttr: structpb.NewListValue(&structpb.ListValue{Values: list})}
}

// rolesKey tells lists of roles apart.
func rolesKey(roles effective) string {
	if roles.errored {
		return "\x01"
	}
	return strings.Join(roles.names, "\x00")
}
