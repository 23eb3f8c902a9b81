package accesslock

import (
	"slices"
	"strconv"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// unwritten is a condition that is not written down.
var unwritten = authz.Unwritten("something that is not written down is met")

// normal writes a condition of who has some roles in one way, whatever order its parts
// were found in, and without what the lock says elsewhere: that the schemas of policies take
// who asks and what a call is made with. It is zero where nothing else is left, and may be
// known never to be met.
func normal(c authz.Condition, roles []string) (n authz.Condition, never bool) {
	if alternatives := c.Alternatives(); len(alternatives) > 0 {
		var list []authz.Alternative
		for _, a := range alternatives {
			allows, denies := normalClause(a.Allows, roles, true), normalClause(a.Denies, roles, false)
			switch {
			case allows.String() == "false", denies.String() == "true":
				continue // this way leads nowhere
			case denies.String() == "false":
				denies = authz.Clause{}
			}
			if allows.String() == "true" {
				allows = authz.Clause{}
			}
			if allows.IsZero() && denies.IsZero() {
				return authz.Condition{}, false
			}
			list = append(list, authz.Alternative{Allows: allows, Denies: denies})
		}
		if len(list) == 0 {
			return authz.Condition{}, true
		}
		slices.SortFunc(list, func(a, b authz.Alternative) int { return authz.AnyOf(a).Compare(authz.AnyOf(b)) })
		return authz.AnyOf(slices.CompactFunc(list, func(a, b authz.Alternative) bool { return authz.AnyOf(a).Equal(authz.AnyOf(b)) })...), false
	}
	if len(c.Parts()) == 0 {
		return unwritten, false
	}
	var list []authz.Condition
	for _, part := range c.Parts() {
		n, never := normal(part, roles)
		if never || n.Equal(unwritten) {
			return n, never
		}
		list = append(list, n)
	}
	return authz.AllOf(list...), false
}

// normalClause sorts the operands of && and ||, which come to the same in any order, and
// puts in whether a role is among those that are known.
func normalClause(c authz.Clause, roles []string, allows bool) authz.Clause {
	e, err := expr.Parse(c.String())
	if c.IsZero() || err != nil {
		return c
	}
	if allows {
		e = withoutSchemas(e)
	}
	return authz.NewClause(normalText(e, roles), c.Reads()) // or less
}

// withoutSchemas leaves out of what has to be met that schemas take something.
func withoutSchemas(e ast.Expr) ast.Expr {
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if expr.Validated(x) != "" {
			return ast.NewExprFactory().NewLiteral(0, types.True), true
		}
		// Only operands of && at the top.
		return x, x.Kind() != ast.CallKind || x.AsCall().FunctionName() != operators.LogicalAnd
	})
}

// normalText writes an expression. What is true or false for certain is left out of && and
// ||, which do not look at the rest then, whether it errs or not.
func normalText(e ast.Expr, roles []string) string {
	if held, known := asksForRole(e, roles); known {
		return strconv.FormatBool(held)
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalNot {
		switch text := normalText(e.AsCall().Args()[0], roles); text {
		case "true":
			return "false"
		case "false":
			return "true"
		}
		return expr.Print(e)
	}
	for _, op := range []string{operators.LogicalAnd, operators.LogicalOr} {
		if list := operands(e, op); len(list) > 1 {
			return joined(list, op, roles)
		}
	}
	return expr.Print(e)
}

// asksForRole reports whether an expression asks for a role by its name, and whether it is
// among some.
func asksForRole(e ast.Expr, roles []string) (held, known bool) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.In {
		return false, false
	}
	args := e.AsCall().Args()
	path, whole := expr.Path(args[1])
	if !whole || !slices.Equal(path, []string{"P", "roles"}) || args[0].Kind() != ast.LiteralKind {
		return false, false
	}
	name, known := args[0].AsLiteral().(types.String)
	return slices.Contains(roles, string(name)), known
}

func joined(list []ast.Expr, op string, roles []string) string {
	neutral, decisive := "true", "false"
	if op == operators.LogicalOr {
		neutral, decisive = decisive, neutral
	}
	var out []string
	for _, x := range list {
		switch text := normalText(x, roles); text {
		case decisive:
			return decisive
		case neutral:
		default:
			out = append(out, text)
		}
	}
	slices.Sort(out)
	switch out = slices.Compact(out); len(out) {
	case 0:
		return neutral
	case 1:
		return out[0]
	}
	return expr.Joined(out, op)
}

// operands returns those of an operator that stands once or several times in a row.
func operands(e ast.Expr, op string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != op {
		return []ast.Expr{e}
	}
	var list []ast.Expr
	for _, x := range e.AsCall().Args() {
		list = append(list, operands(x, op)...)
	}
	return list
}
