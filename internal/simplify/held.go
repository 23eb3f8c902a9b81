package simplify

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Held returns the condition for somebody who has a role, and perhaps others: that they
// have it is no part of it. One that comes to nothing else stays as it is.
func Held(c authz.Condition, role string) authz.Condition {
	if !slices.ContainsFunc(c.Reads().Principal, func(path []string) bool { return slices.Equal(path, []string{"roles"}) }) {
		return c
	}
	if parts := slices.Clone(c.Parts()); len(parts) > 0 {
		for i := range parts {
			parts[i] = Held(parts[i], role)
		}
		return authz.AllOf(parts...)
	}
	alternatives := slices.Clone(c.Alternatives())
	changed := false
	for i, a := range alternatives {
		allows, ok := lessHeld(a.Allows, role)
		denies, also := lessHeld(a.Denies, role)
		if !ok || !also {
			return c
		}
		alternatives[i] = authz.Alternative{Allows: allows, Denies: denies}
		changed = changed || allows.String() != a.Allows.String() || denies.String() != a.Denies.String()
	}
	if !changed {
		return c
	}
	return authz.AnyOf(alternatives...)
}

// lessHeld is not ok if the clause comes to nothing else.
func lessHeld(c authz.Clause, role string) (authz.Clause, bool) {
	if c.IsZero() {
		return c, true
	}
	e, err := expr.Parse(c.String())
	if err != nil {
		return c, false
	}
	e = settled(e, role)
	return clause(e), !isLiteral(e, types.True) && !isLiteral(e, types.False)
}

// settled puts in what a role settles, and takes away what that decides. An operator that
// one side decides has no need of the other, whatever that comes to.
func settled(e ast.Expr, role string) ast.Expr {
	if e.Kind() != ast.CallKind {
		return e
	}
	c := e.AsCall()
	if c.FunctionName() == operators.In && isLiteral(c.Args()[0], types.String(role)) {
		if path, ok := expr.Path(c.Args()[1]); ok && slices.Equal(path, []string{"P", "roles"}) {
			return fact.NewLiteral(0, types.True)
		}
	}
	if skeleton(e) == nil {
		return e
	}
	args := slices.Clone(c.Args())
	for i := range args {
		args[i] = settled(args[i], role)
	}
	switch name := c.FunctionName(); name {
	case operators.LogicalNot:
		for _, b := range []types.Bool{types.True, types.False} {
			if isLiteral(args[0], b) {
				return fact.NewLiteral(0, !b)
			}
		}
	case operators.LogicalAnd, operators.LogicalOr:
		decides := types.Bool(name == operators.LogicalOr)
		for i, x := range args {
			switch {
			case isLiteral(x, decides):
				return x
			case isLiteral(x, !decides):
				return args[1-i]
			}
		}
	case operators.Conditional:
		switch {
		case isLiteral(args[0], types.True):
			return args[1]
		case isLiteral(args[0], types.False):
			return args[2]
		}
	}
	return fact.NewCall(0, c.FunctionName(), args...)
}

func isLiteral[T comparable](e ast.Expr, value T) bool {
	if e.Kind() != ast.LiteralKind {
		return false
	}
	v, ok := e.AsLiteral().(T)
	return ok && v == value
}
