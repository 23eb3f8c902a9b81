package accesslock

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// unwritten is a condition that is not written down.
var unwritten = authz.Unwritten("something that is not written down is met")

// normal writes a condition in one way, whatever order its parts were found in, and
// without what the lock says elsewhere: that the schemas of policies take who asks and what
// a call is made with. It is zero where nothing else is left.
func normal(c authz.Condition) authz.Condition {
	if alternatives := c.Alternatives(); len(alternatives) > 0 {
		list := make([]authz.Alternative, len(alternatives))
		for i, a := range alternatives {
			list[i] = authz.Alternative{Allows: normalClause(a.Allows, true), Denies: normalClause(a.Denies, false)}
			if list[i].Allows.IsZero() && list[i].Denies.IsZero() {
				return authz.Condition{}
			}
		}
		slices.SortFunc(list, func(a, b authz.Alternative) int { return authz.AnyOf(a).Compare(authz.AnyOf(b)) })
		return authz.AnyOf(slices.CompactFunc(list, func(a, b authz.Alternative) bool { return authz.AnyOf(a).Equal(authz.AnyOf(b)) })...)
	}
	if len(c.Parts()) == 0 {
		return unwritten
	}
	var list []authz.Condition
	for _, part := range c.Parts() {
		if part = normal(part); part.Equal(unwritten) {
			return unwritten
		}
		list = append(list, part)
	}
	return authz.AllOf(list...)
}

// normalClause sorts the operands of && and ||, which come to the same in any order.
func normalClause(c authz.Clause, allows bool) authz.Clause {
	e, err := expr.Parse(c.String())
	if c.IsZero() || err != nil {
		return c
	}
	parts := operands(e, operators.LogicalAnd)
	if allows {
		parts = slices.DeleteFunc(parts, func(x ast.Expr) bool { return expr.Validated(x) != "" })
	}
	if len(parts) == 0 {
		return authz.Clause{}
	}
	return authz.NewClause(joined(parts, operators.LogicalAnd), c.Reads()) // which less of the text reads no more than
}

func normalText(e ast.Expr) string {
	for _, op := range []string{operators.LogicalAnd, operators.LogicalOr} {
		if list := operands(e, op); len(list) > 1 {
			return joined(list, op)
		}
	}
	return expr.Print(e)
}

func joined(list []ast.Expr, op string) string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = normalText(x)
	}
	slices.SortFunc(out, strings.Compare)
	if out = slices.Compact(out); len(out) == 1 {
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
