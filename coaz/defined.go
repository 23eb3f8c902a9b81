package coaz

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// definedAs returns what has to be met for an expression to come to a value of a type, in the
// words that people use where these are known.
func definedAs(e ast.Expr, name string) []ast.Expr {
	if steps, ok := stepsOf(e); ok {
		return append(steps, hasType(e, name))
	}
	switch e.Kind() { //nolint:exhaustive // others are as they are
	case ast.LiteralKind:
		if e.AsLiteral().Type().TypeName() == name {
			return nil
		}
	case ast.CallKind:
		c := e.AsCall()
		args := c.Args()
		switch f := c.FunctionName(); {
		case f == operators.Conditional && isLiteral(args[1], name) && isLiteral(args[2], name):
			return definedAs(args[0], "bool")
		case f == operators.Add && name == "string":
			return append(definedAs(args[0], name), definedAs(args[1], name)...)
		case comparisons[f] && name == "bool" && isLiteral(args[1], "int", "double"):
			return definedAs(args[0], "double")
		case texts[f] && name == "bool" && c.IsMemberFunction() && len(args) == 1 && isLiteral(args[0], "string"):
			return definedAs(c.Target(), "string")
		case (f == operators.Equals || f == operators.NotEquals) && name == "bool" && isLiteral(args[1], "string", "bool", "int", "double"):
			if steps, ok := stepsOf(args[0]); ok {
				return steps
			}
		}
	}
	return []ast.Expr{hasType(e, name)}
}

var (
	comparisons = map[string]bool{operators.Less: true, operators.LessEquals: true, operators.Greater: true, operators.GreaterEquals: true}
	texts       = map[string]bool{"startsWith": true, "endsWith": true, "contains": true}
)

func isLiteral(e ast.Expr, names ...string) bool {
	for _, name := range names {
		if e.Kind() == ast.LiteralKind && e.AsLiteral().Type().TypeName() == name {
			return true
		}
	}
	return false
}

// stepsOf returns what has to be met for an argument to be there, of an expression that is
// one.
func stepsOf(e ast.Expr) ([]ast.Expr, bool) {
	path, ok := expr.Path(e)
	if !ok || path[0] != argumentsName || len(path) < 2 || expr.IsOptional(e) {
		return nil, false
	}
	var steps []ast.Expr
	of := ast.Expr(factory.NewIdent(0, argumentsName))
	for i, name := range path[1:] {
		if i > 0 {
			steps = append(steps, hasType(of, "map"))
		}
		of = factory.NewSelect(0, of, name)
		steps = append(steps, factory.NewCall(0, operators.Has, of))
	}
	return steps, true
}

// isFilled reports whether a text is known not to be empty.
func isFilled(e ast.Expr) bool {
	switch e.Kind() { //nolint:exhaustive // of others nothing is known
	case ast.LiteralKind:
		text, isText := e.AsLiteral().(types.String)
		return isText && text != ""
	case ast.CallKind:
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Add:
			return isFilled(args[0]) || isFilled(args[1])
		case operators.Conditional:
			return isFilled(args[1]) && isFilled(args[2])
		}
	}
	return false
}
