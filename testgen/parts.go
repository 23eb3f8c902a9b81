package testgen

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/solver"
)

var fact = ast.NewExprFactory()

// partsOf lists the parts of a condition, as they read: what stands between &&, || and !,
// each once.
func partsOf(c authz.Condition) []string {
	var list []string
	for clause := range c.Clauses() {
		e, err := expr.Parse(clause.String())
		if err != nil {
			continue
		}
		for _, part := range split(e) {
			if text := expr.Print(part); !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
	}
	return list
}

// split returns the parts of an expression.
func split(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind {
		switch c := e.AsCall(); c.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
			var list []ast.Expr
			for _, x := range c.Args() {
				list = append(list, split(x)...)
			}
			return list
		}
	}
	if e.Kind() == ast.LiteralKind {
		return nil
	}
	return []ast.Expr{e}
}

// part returns a part as a formula about a request, which errs where the part does.
func part(text string, r *authz.Request) (solver.Formula, bool) {
	e, err := expr.Parse(text)
	if err != nil || expr.Validated(e) != "" {
		return solver.Formula{}, false
	}
	return solver.Expr(expr.Print(expr.Lengthen(e, r.Unknown))), true
}

// argumentsIn lists the arguments that an expression looks at, by their first names; nil if
// it looks at them otherwise.
func argumentsIn(text string) []string {
	var list []string
	for _, path := range expr.Clause(text).Reads().Arguments {
		if len(path) == 0 {
			return nil
		}
		if !slices.Contains(list, path[0]) {
			list = append(list, path[0])
		}
	}
	return list
}

// numbersIn lists the numbers in a condition: calls with these show where it begins to hold.
func numbersIn(c authz.Condition) []float64 {
	var list []float64
	var look func(e ast.Expr)
	look = func(e ast.Expr) {
		if e.Kind() == ast.LiteralKind {
			switch v := e.AsLiteral().(type) {
			case types.Int:
				list = append(list, float64(v))
			case types.Uint:
				list = append(list, float64(v))
			case types.Double:
				list = append(list, float64(v))
			}
		}
		for _, x := range expr.Children(e) {
			look(x)
		}
	}
	for clause := range c.Clauses() {
		if e, err := expr.Parse(clause.String()); err == nil {
			look(e)
		}
	}
	return list
}

// held returns a condition in which a part is held true or false.
func held(c authz.Condition, part string, to bool) authz.Condition {
	if alternatives := c.Alternatives(); len(alternatives) > 0 {
		list := make([]authz.Alternative, len(alternatives))
		for i, a := range alternatives {
			list[i] = authz.Alternative{Allows: heldIn(a.Allows, part, to), Denies: heldIn(a.Denies, part, to)}
		}
		return authz.AnyOf(list...)
	}
	parts := make([]authz.Condition, len(c.Parts()))
	for i, p := range c.Parts() {
		parts[i] = held(p, part, to)
	}
	return authz.AllOf(parts...)
}

func heldIn(c authz.Clause, part string, to bool) authz.Clause {
	e, err := expr.Parse(c.String())
	if c.IsZero() || err != nil {
		return c
	}
	return authz.NewClause(expr.Print(holdIn(e, part, to)), c.Reads())
}

// holdIn replaces a part in an expression by a constant.
func holdIn(e ast.Expr, part string, to bool) ast.Expr {
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if x.Kind() == ast.CallKind && slices.Contains([]string{operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot}, x.AsCall().FunctionName()) {
			return nil, false
		}
		if expr.Print(x) != part {
			return x, true // parts are not looked into
		}
		return fact.NewLiteral(0, types.Bool(to)), true
	})
}
