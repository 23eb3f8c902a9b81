package cel

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// RolesAttr is the attribute that stands for the list of derived roles where that hangs
// on what is unknown.
const RolesAttr = "mcpolicy_derived_roles"

func isRoles(path []string) bool {
	return len(path) == 3 && path[0] == "R" && path[1] == "attr" && path[2] == RolesAttr
}

// ReadRoles returns an expression that reads the list of derived roles from an attribute.
// It is not ok if there is more to it than that.
func (o *Openness) ReadRoles(text string) (reading ast.Expr, ok bool) {
	e, err := parseHygienic(text)
	if err != nil {
		return nil, false
	}
	e = o.withRoles(e)
	return e, !o.readsMore(e)
}

// InRoleList returns what an expression of a derived role's condition is where the list
// of derived roles is made, or nil if it is the same there. It is not ok if CEL has no way
// to say so, or if it reads the list itself.
func (o *Openness) InRoleList(text string, strict bool) (other ast.Expr, ok bool) {
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
func (o *Openness) withRoles(e ast.Expr) ast.Expr {
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if definition, ok := o.variable(x); ok && o.readsRuntime(definition) {
			return newSeam(-1, o.withRoles(definition)), true
		}
		path, ok := expr.Path(x)
		if !ok || expr.IsOptional(x) || len(path) != 2 || path[0] != "runtime" || path[1] != "effectiveDerivedRoles" && path[1] != "effective_derived_roles" {
			return nil, false
		}
		attr := fact.NewSelect(0, fact.NewIdent(0, "R"), "attr")
		return fact.NewSelect(0, attr, RolesAttr), true
	})
}

func (o *Openness) readsRuntime(e ast.Expr) bool {
	if definition, ok := o.variable(e); ok {
		return o.readsRuntime(definition)
	}
	return e.Kind() == ast.IdentKind && e.AsIdent() == "runtime" || slices.ContainsFunc(expr.Children(e), o.readsRuntime)
}

// readsMore reports whether an expression reads runtime in another way, or
// would see the attribute that stands for the roles, which need not be there.
func (o *Openness) readsMore(e ast.Expr) bool {
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
func (o *Openness) nullable(e ast.Expr, compared bool) (nullable ast.Expr, ok bool) {
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
func (o *Openness) nullableHas(e ast.Expr) (nullable ast.Expr, ok bool) {
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

func (o *Openness) nullableVariable(e ast.Expr, steps int, compared bool) (nullable ast.Expr, ok bool) {
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
	case !o.IsOpen(e, nil) && same:
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
func (o *Openness) isField(e ast.Expr) bool {
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

// RolesTested returns the roles that an expression asks for by name, and reports whether
// it reads the list of them in another way.
func RolesTested(e ast.Expr) (tested []string, all bool) {
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
		more, list := RolesTested(x)
		tested, all = append(tested, more...), all || list
	}
	return tested, all
}
