package pdp

import (
	"context"
	"maps"
	"slices"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Conditions can read runtime.effectiveDerivedRoles: the names of the derived
// roles that the policy uses, that the principal's roles are parents of and
// whose conditions are met. Where those conditions depend on the arguments, an
// exploration finds out what each comes to first; then the list is known.

// rolesAttr is the attribute that stands for the list then.
const rolesAttr = "mcpolicy_derived_roles"

func isRoles(path []string) bool {
	return len(path) == 3 && path[0] == "R" && path[1] == "attr" && path[2] == rolesAttr
}

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
func (s *solver) readRoles(l *leaf, o *openness) (ast.Expr, *roleReads, bool) {
	expr, ok := o.readRoles(l.text)
	if !ok {
		return nil, nil, false
	}
	r := &roleReads{of: map[string]*derivedRole{}}
	if l.row.PolicyKind == policyv1.Kind_KIND_PRINCIPAL {
		return expr, r, true // they come before there are derived roles
	}
	if l.row.FromRolePolicy {
		return nil, nil, false // of any resource policy
	}
	for name, dr := range s.engine.tables.derivedRoles(l.row.OriginFqn) {
		if r.of[name] = s.derivedRole(l.row.OriginFqn, name, dr, o); r.of[name] == nil {
			return nil, nil, false
		}
	}
	r.tested, r.all = rolesTested(expr)
	return expr, r, true
}

// derivedRole returns a derived role of a policy with the leaves that say if it
// is in the list, or nil if none can. Rules that are for the role have leaves,
// too, which are the same unless a variable cannot be evaluated: that leaves it
// without a value there, and makes it null in the list.
func (s *solver) derivedRole(fqn, name string, dr *runtimev1.RunnableDerivedRole, of *openness) *derivedRole {
	o := of.with(dr.GetOrderedVariables(), dr.GetConstants())
	role := &derivedRole{condition: dr.GetCondition(), leaves: map[string]int{}}
	ok := true
	walkCondition(dr.GetCondition(), func(x *runtimev1.Expr) {
		other, inList := o.inRoleList(x.GetOriginal(), s.engine.options.StrictEvaluation)
		if ok = ok && inList; !ok {
			return
		}
		l := s.engine.tables.leafOf(x.GetOriginal(), fqn, name)
		if other != nil {
			l = s.further(l, other)
		}
		role.leaves[x.GetOriginal()] = l.index
	})
	if !ok {
		return nil
	}
	return role
}

// further returns a leaf like another, with an expression of its own.
func (s *solver) further(like *leaf, of ast.Expr) *leaf {
	text := expr.Print(of)
	for _, l := range s.leaves[len(s.engine.tables.leaves):] {
		if l.row == like.row && l.text == text {
			return l
		}
	}
	l := &leaf{index: len(s.leaves), text: text, row: like.row, expr: of}
	s.leaves = append(s.leaves, l)
	return l
}

// derivedRoles returns the derived roles that a policy uses.
func (t *tables) derivedRoles(fqn string) map[string]*runtimev1.RunnableDerivedRole {
	for id, m := range t.base.Meta {
		if m.GetFqn() == fqn {
			return t.base.PolicyDerivedRoles[id].GetDerivedRoles()
		}
	}
	return nil
}

// readRoles returns an expression that reads the list of derived roles from an attribute.
// It is not ok if there is more to it than that.
func (o *openness) readRoles(text string) (reading ast.Expr, ok bool) {
	e, err := parseHygienic(text)
	if err != nil {
		return nil, false
	}
	e = o.withRoles(e)
	return e, !o.readsMore(e)
}

// inRoleList returns what an expression of a derived role's condition is where the list
// of derived roles is made, or nil if it is the same there. It is not ok if CEL has no way
// to say so, or if it reads the list itself.
func (o *openness) inRoleList(text string, strict bool) (other ast.Expr, ok bool) {
	read, err := parseHygienic(text)
	if err != nil || o.readsRuntime(read) {
		return nil, false
	}
	if strict {
		return nil, true
	}
	nullable, ok := o.nullable(read, false)
	if !ok || expr.Print(nullable) == expr.Print(read) {
		return nil, ok
	}
	return nullable, true
}

// withRoles replaces the list of derived roles by an attribute, in variables
// too.
func (o *openness) withRoles(e ast.Expr) ast.Expr {
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if definition, ok := o.variable(x); ok && o.readsRuntime(definition) {
			return newSeam(-1, o.withRoles(definition)), true
		}
		path, ok := expr.Path(x)
		if !ok || expr.IsOptional(x) || len(path) != 2 || path[0] != "runtime" || path[1] != "effectiveDerivedRoles" && path[1] != "effective_derived_roles" {
			return nil, false
		}
		attr := fact.NewSelect(0, fact.NewIdent(0, "R"), "attr")
		return fact.NewSelect(0, attr, rolesAttr), true
	})
}

func (o *openness) readsRuntime(e ast.Expr) bool {
	if definition, ok := o.variable(e); ok {
		return o.readsRuntime(definition)
	}
	return e.Kind() == ast.IdentKind && e.AsIdent() == "runtime" || slices.ContainsFunc(expr.Children(e), o.readsRuntime)
}

// readsMore reports whether an expression reads runtime in another way, or
// would see the attribute that stands for the roles, which need not be there.
func (o *openness) readsMore(e ast.Expr) bool {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Has {
		if path, _ := expr.Path(e.AsCall().Args()[0]); isRoles(path) {
			return true
		}
	}
	if path, ok := expr.Path(e); ok {
		switch path[0] {
		case "runtime", "request":
			return len(path) == 1 || path[0] == "runtime"
		case "R":
			return len(path) == 1 || len(path) == 2 && path[1] == "attr"
		case "V":
			definition, ok := o.variable(fact.NewSelect(0, fact.NewIdent(0, "V"), path[min(1, len(path)-1)]))
			return len(path) == 1 || ok && o.readsMore(definition)
		}
		return false
	}
	return slices.ContainsFunc(expr.Children(e), o.readsMore)
}

// nullable returns an expression in which variables that cannot be evaluated
// are null. Null is no boolean and has no order, so that it only shows where it
// is compared: elsewhere it errs, as the variable would. It is not ok if CEL
// has no way to say so.
func (o *openness) nullable(e ast.Expr, compared bool) (nullable ast.Expr, ok bool) {
	if path, isPath := expr.Path(e); isPath {
		if path[0] != "V" {
			return e, true
		}
		return o.nullableVariable(e, len(path), compared)
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Has {
		return o.nullableHas(e)
	}
	ok = true
	inside := showsNull(e)
	nullable = rewriteChildren(e, func(x ast.Expr) ast.Expr {
		x, allowed := o.nullable(x, inside)
		ok = ok && allowed
		return x
	})
	return nullable, ok
}

// nullableHas is nullable of has(): a variable is there, then, and what is
// selected from null is not to be had.
func (o *openness) nullableHas(e ast.Expr) (nullable ast.Expr, ok bool) {
	of := e.AsCall().Args()[0]
	if _, isVariable := o.variable(of); isVariable {
		return fact.NewLiteral(0, types.True), true
	}
	if of.Kind() != ast.SelectKind {
		return e, true
	}
	on, ok := o.nullable(of.AsSelect().Operand(), false)
	return fact.NewCall(0, operators.Has, fact.NewSelect(0, on, of.AsSelect().FieldName())), ok
}

func (o *openness) nullableVariable(e ast.Expr, steps int, compared bool) (nullable ast.Expr, ok bool) {
	if steps != 2 {
		if steps < 2 || e.Kind() != ast.SelectKind {
			return e, false
		}
		on, ok := o.nullable(e.AsSelect().Operand(), false) // null has no fields
		return fact.NewSelect(0, on, e.AsSelect().FieldName()), ok
	}
	definition, ok := o.variable(e)
	if !ok {
		return e, false
	}
	inner, ok := o.nullable(definition, false)
	if !ok {
		return e, false
	}
	same := expr.Print(inner) == expr.Print(definition)
	null := fact.NewLiteral(0, types.NullValue)
	otherwise := func(there ast.Expr) ast.Expr { return fact.NewCall(0, operators.Conditional, there, e, null) }
	switch {
	case !compared && same:
		return e, true
	case !compared:
		return newSeam(-1, inner), true
	case !o.isOpen(e, nil) && same:
		return otherwise(fact.NewCall(0, operators.Has, e)), true
	case o.isField(definition):
		s := definition.AsSelect()
		maybe := fact.NewCall(0, operators.OptSelect, s.Operand(), fact.NewLiteral(0, types.String(s.FieldName())))
		return fact.NewMemberCall(0, "orValue", maybe, null), true
	}
	if there := o.present(e); there.AsCall().FunctionName() == operators.LogicalAnd {
		return otherwise(there), true
	}
	return e, false
}

// isField reports whether an expression is a field of what is always a map: the
// arguments, and attributes.
func (o *openness) isField(e ast.Expr) bool {
	if e.Kind() != ast.SelectKind {
		return false
	}
	on := e.AsSelect().Operand()
	path, ok := expr.Path(on)
	steps, sent := o.sentBelow(on)
	return sent && steps == 0 || ok && len(path) == 2 && path[0] == "P" && path[1] == "attr"
}

// showsNull reports whether an expression may come to something with a null in
// it, instead of erring.
func showsNull(e ast.Expr) bool {
	switch e.Kind() { //nolint:exhaustive // the others do
	case ast.SelectKind:
		return false
	case ast.CallKind:
		return !slices.Contains([]string{
			operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot,
			operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
			operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo,
			"size", "timestamp", "duration", "int", "double", "startsWith", "endsWith", "contains", "matches",
		}, e.AsCall().FunctionName())
	}
	return true
}

// rolesTested returns the roles that an expression asks for by name, and reports whether
// it reads the list of them in another way.
func rolesTested(e ast.Expr) (tested []string, all bool) {
	if path, ok := expr.Path(e); ok {
		return nil, isRoles(path)
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.In {
		args := e.AsCall().Args()
		if path, ok := expr.Path(args[1]); ok && isRoles(path) && args[0].Kind() == ast.LiteralKind {
			if name, ok := args[0].AsLiteral().(types.String); ok {
				tested = append(tested, string(name))
			}
			return tested, false
		}
	}
	for _, x := range expr.Children(e) {
		more, list := rolesTested(x)
		tested, all = append(tested, more...), all || list
	}
	return tested, all
}

// held has the engine list the derived roles of a leaf's policy that the
// principal's roles are parents of.
func (s *solver) held(ctx context.Context, l int, in *enginev1.CheckInput) ([]string, error) {
	values, err := s.evaluateActions(ctx, in, in.Resource, []string{heldAction(l)})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, v := range values[0].v.GetListValue().GetValues() {
		names = append(names, v.GetStringValue())
	}
	return names, nil
}

func heldAction(leaf int) string { return partAction(leaf, -1) }

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
	return map[string]*structpb.Value{rolesAttr: structpb.NewListValue(&structpb.ListValue{Values: list})}
}

// rolesKey tells lists of roles apart.
func rolesKey(roles effective) string {
	if roles.errored {
		return "\x01"
	}
	return strings.Join(roles.names, "\x00")
}
