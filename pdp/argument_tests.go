package pdp

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// An ArgumentTest is what a condition asks of one argument of a call.
type ArgumentTest struct {
	Path []string // of the argument, below the call's arguments
	// Op is ==, in, <, has, is (the argument is a condition itself),
	// startsWith, endsWith or contains; == stands for != too, and < for all
	// that order values.
	Op     string
	Values []any // what it is compared with: JSON values, of which has and is have none
}

// ArgumentTests takes what is written down of a condition apart into what it asks
// of the arguments. It reports whether that is all: whether two calls get the
// same from the condition whenever their arguments do from the tests.
func ArgumentTests(c authz.Condition) (tests []ArgumentTest, all bool) {
	all = c.Written()
	var walk func(ast.Expr)
	walk = func(e ast.Expr) {
		if !readsArguments(e) {
			return
		}
		if t, ok := testOf(e); ok {
			tests = append(tests, t)
			return
		}
		if e.Kind() == ast.CallKind && slices.Contains(connectives, e.AsCall().FunctionName()) {
			for _, a := range e.AsCall().Args() {
				walk(a)
			}
			return
		}
		all = false
	}
	for clause := range c.Clauses() {
		e, err := expr.Parse(clause.String())
		if err != nil {
			all = false
			continue
		}
		walk(e)
	}
	return tests, all
}

var connectives = []string{operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot}

var testOps = map[string]string{
	operators.Equals: "==", operators.NotEquals: "==", operators.In: "in",
	operators.Less: "<", operators.LessEquals: "<", operators.Greater: "<", operators.GreaterEquals: "<",
	"startsWith": "startsWith", "endsWith": "endsWith", "contains": "contains",
}

// testOf reads an expression that asks something of one argument.
func testOf(e ast.Expr) (ArgumentTest, bool) {
	if path, ok := argumentOf(e); ok {
		return ArgumentTest{Path: path, Op: "is"}, true
	}
	if e.Kind() != ast.CallKind {
		return ArgumentTest{}, false
	}
	c := e.AsCall()
	sides := c.Args()
	if c.FunctionName() == operators.Has && len(sides) == 1 {
		path, ok := argumentOf(sides[0])
		return ArgumentTest{Path: path, Op: "has"}, ok
	}
	op := testOps[c.FunctionName()]
	if c.IsMemberFunction() {
		sides = append([]ast.Expr{c.Target()}, sides...)
	}
	if op == "" || len(sides) != 2 {
		return ArgumentTest{}, false
	}
	if _, ok := argumentOf(sides[0]); !ok && (op == "==" || op == "<") {
		sides = []ast.Expr{sides[1], sides[0]} // the tree stays as it is: others have it, too
	}
	path, isArgument := argumentOf(sides[0])
	value, isLiteral := jsonLiteral(sides[1])
	list, isList := value.([]any)
	switch {
	case !isArgument || !isLiteral || isList != (op == "in"):
		return ArgumentTest{}, false
	case !isList:
		list = []any{value}
	}
	return ArgumentTest{Path: path, Op: op, Values: list}, true
}

// argumentOf returns the path of an argument below arguments.
func argumentOf(e ast.Expr) ([]string, bool) {
	path, ok := expr.Path(e)
	if !ok || len(path) < 2 || path[0] != "arguments" {
		return nil, false
	}
	return path[1:], true
}

func readsArguments(e ast.Expr) bool {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent() == "arguments"
	}
	return slices.ContainsFunc(expr.Children(e), readsArguments)
}

// jsonLiteral returns what an expression without names is as a JSON value, if it
// is a scalar or a list of scalars.
func jsonLiteral(e ast.Expr) (any, bool) {
	switch e.Kind() { //nolint:exhaustive // nothing else is a literal
	case ast.LiteralKind:
		return expr.JSON(e.AsLiteral())
	case ast.ListKind:
		list := []any{}
		for _, x := range e.AsList().Elements() {
			v, ok := jsonLiteral(x)
			if _, nested := v.([]any); !ok || nested {
				return nil, false
			}
			list = append(list, v)
		}
		return list, true
	case ast.CallKind: // -1 is one
		if c := e.AsCall(); c.FunctionName() == operators.Negate {
			v, ok := jsonLiteral(c.Args()[0])
			n, isNumber := v.(float64)
			return -n, ok && isNumber
		}
	}
	return nil, false
}
