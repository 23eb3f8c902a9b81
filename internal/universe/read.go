package universe

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/policy"
)

// rolesRead is what conditions look at of a principal's roles.
type rolesRead struct {
	names   []string // the texts in expressions that look at roles: some are roles
	most    int      // one more than the largest number in them, where roles are counted
	derived bool     // they look at derived roles, which follow from roles
	open    []string // expressions that may tell sets of other roles apart
}

func (x *rolesRead) condition(c *policy.Condition) {
	if c == nil {
		return
	}
	for t := range c.Exprs() {
		x.text(t.Value)
	}
}

func (x *rolesRead) text(text string) {
	e, err := expr.Parse(text)
	if err != nil || !looksAtRoles(e) {
		return // one that does not parse does not compile
	}
	x.derived = x.derived || expr.Mentions(e, "runtime")
	x.literals(e)
	if !asksByName(e, nil) && !slices.Contains(x.open, text) {
		x.open = append(x.open, text)
	}
}

// literals takes down the constants of an expression.
func (x *rolesRead) literals(e ast.Expr) {
	if e.Kind() == ast.LiteralKind {
		switch v := e.AsLiteral().(type) {
		case types.String:
			x.names = append(x.names, string(v))
		case types.Int:
			x.number(float64(v))
		case types.Uint:
			x.number(float64(v))
		case types.Double:
			x.number(float64(v))
		}
	}
	if isCount(e) {
		x.most = max(x.most, 1)
	}
	for _, part := range expr.Children(e) {
		x.literals(part)
	}
}

func (x *rolesRead) number(n float64) { x.most = max(x.most, int(min(max(n, 0), maxAsked))+1) }

// looksAtRoles reports whether an expression looks at a principal's roles, by
// themselves or among other things.
func looksAtRoles(e ast.Expr) bool {
	if path, whole := expr.Path(e); len(path) > 0 {
		switch {
		case isRoles(e):
			return true
		case !whole:
		case len(path) == 1 && (path[0] == "P" || path[0] == "request" || path[0] == "runtime"):
			return true
		default:
			return false
		}
	}
	return slices.ContainsFunc(expr.Children(e), looksAtRoles)
}

func isRoles(e ast.Expr) bool {
	path, whole := expr.Path(e)
	return whole && (slices.Equal(path, []string{"P", "roles"}) || slices.Equal(path, []string{"runtime", "effectiveDerivedRoles"}))
}

// asksByName reports whether an expression looks at roles only in ways that tell sets
// of them apart by the roles whose names stand in it, and by how many there are. The
// variables stand for such names.
func asksByName(e ast.Expr, variables []string) bool {
	if !looksAtRoles(e) {
		return true
	}
	if e.Kind() != ast.CallKind {
		return e.Kind() != ast.IdentKind && e.Kind() != ast.SelectKind && all(expr.Children(e), variables)
	}
	c := e.AsCall()
	operands := slices.Clone(c.Args())
	if c.IsMemberFunction() {
		operands = append([]ast.Expr{c.Target()}, operands...)
	}
	switch c.FunctionName() {
	case operators.In:
		return isName(operands[0], variables) && isRoles(operands[1])
	case "size":
		return true
	case "hasIntersection", "isSubset", "has_intersection", "is_subset":
		return !slices.ContainsFunc(operands, func(o ast.Expr) bool { return !isRoles(o) && !isNames(o, variables) })
	case "exists", "all", "exists_one":
		if len(operands) != 3 || operands[1].Kind() != ast.IdentKind {
			return false
		}
		variable := operands[1].AsIdent()
		switch {
		case isRoles(operands[0]):
			return comparesNames(operands[2], variable, variables)
		case isNames(operands[0], variables):
			return asksByName(operands[2], append(slices.Clone(variables), variable))
		}
		return false
	}
	return all(operands, variables)
}

func all(list []ast.Expr, variables []string) bool {
	return !slices.ContainsFunc(list, func(e ast.Expr) bool { return !asksByName(e, variables) })
}

// isCount reports whether an expression says how many roles there are.
func isCount(e ast.Expr) bool {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "size" {
		return false
	}
	return slices.ContainsFunc(expr.Children(e), isRoles)
}

// isName reports whether an expression is a text, or a variable that stands for one.
func isName(e ast.Expr, variables []string) bool {
	switch e.Kind() { //nolint:exhaustive // nothing else is a name
	case ast.LiteralKind:
		_, ok := e.AsLiteral().(types.String)
		return ok
	case ast.IdentKind:
		return slices.Contains(variables, e.AsIdent())
	}
	return false
}

func isNames(e ast.Expr, variables []string) bool {
	return e.Kind() == ast.ListKind && !slices.ContainsFunc(e.AsList().Elements(), func(x ast.Expr) bool { return !isName(x, variables) })
}

// comparesNames reports whether an expression does nothing with a variable but to
// compare it with names.
func comparesNames(e ast.Expr, variable string, names []string) bool {
	if !expr.Mentions(e, variable) {
		return !looksAtRoles(e)
	}
	if e.Kind() != ast.CallKind {
		return false
	}
	c := e.AsCall()
	is := func(x ast.Expr) bool { return x.Kind() == ast.IdentKind && x.AsIdent() == variable }
	args := c.Args()
	switch c.FunctionName() {
	case operators.Equals, operators.NotEquals:
		return is(args[0]) && isName(args[1], names) || is(args[1]) && isName(args[0], names)
	case operators.In:
		return is(args[0]) && isNames(args[1], names)
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
		return !slices.ContainsFunc(args, func(x ast.Expr) bool { return !comparesNames(x, variable, names) })
	}
	return false
}

// RolesInConditions lists the texts in conditions that look at a principal's roles:
// some of them are roles.
func RolesInConditions(set *policy.Set) []string {
	var x rolesRead
	for r := range set.Rules() {
		x.condition(r.Condition)
	}
	for _, of := range set.Policies {
		for _, d := range of.DerivedRoles {
			x.condition(d.Condition)
		}
		for _, v := range of.Variables.Local {
			x.text(v.Expr.Value)
		}
	}
	return x.names
}
