package coaz

import (
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A typing is what the inputSchema makes known of an expression that compiles without it.
type typing struct {
	err    string    // why it fails for whatever the schema allows, if it does
	result *cel.Type // without its option; nil if there is an err
	// numberAsText is set if a number is made a text in it: string(1234567.0) is
	// "1.234567e+06".
	numberAsText bool
}

var factory = ast.NewExprFactory()

// typed checks an expression with the types of the arguments. Equality, membership and
// choices take values of any types when they are evaluated, so they do here.
func (a arguments) typed(x *expression) typing {
	without := typing{result: required(x.result)}
	tree, err := expr.Parse(x.text)
	if err != nil || binds(tree) || !slices.ContainsFunc(x.reads, func(r Read) bool { return a.at(r.Argument()).jsonType != "" }) {
		return without
	}
	env, err := typedEnv()
	if err != nil {
		return without
	}
	checked, issues := env.Compile(expr.Print(a.withTypes(tree)))
	if issues.Err() != nil {
		return typing{err: firstIssue(issues)}
	}
	return typing{result: required(checked.OutputType()), numberAsText: makesTextOfNumber(checked.NativeRep())}
}

// required returns the type of what an optional value holds, or that of any other.
func required(t *cel.Type) *cel.Type {
	if t.TypeName() == "optional_type" {
		return t.Parameters()[0]
	}
	return t
}

// binds reports whether a macro gives a variable the name of an input.
func binds(e ast.Expr) bool {
	if e.Kind() == ast.CallKind && slices.ContainsFunc(expr.Bound(e.AsCall()), func(name string) bool { return isInput(name, nil) }) {
		return true
	}
	return slices.ContainsFunc(expr.Children(e), binds)
}

// withTypes puts variables of known types in the place of arguments.
func (a arguments) withTypes(e ast.Expr) ast.Expr {
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if path, ok := expr.Path(x); ok {
			below := Read{Path: path}.Argument()
			if below == nil {
				return nil, false
			}
			if t := a.at(below).jsonType; t != "" {
				return factory.NewIdent(0, typedName(t, expr.IsOptional(x))), true
			}
			return x, expr.IsOptional(x) // what is below an optional value need not be there
		}
		if x.Kind() != ast.CallKind {
			return nil, false
		}
		c := x.AsCall()
		switch c.FunctionName() {
		case operators.Has:
			return x, true
		case operators.Equals, operators.NotEquals, operators.In:
			return factory.NewCall(0, c.FunctionName(), a.loose(c.Args())...), true
		case operators.Index, operators.OptIndex: // a whole double is an index
			of := a.withTypes(c.Args()[0])
			if expr.IsOptional(c.Args()[0]) {
				of = factory.NewCall(0, "dyn", of)
			}
			return factory.NewCall(0, c.FunctionName(), of, factory.NewCall(0, "dyn", a.withTypes(c.Args()[1]))), true
		case operators.Conditional:
			return factory.NewCall(0, c.FunctionName(), append([]ast.Expr{a.withTypes(c.Args()[0])}, a.loose(c.Args()[1:])...)...), true
		case "orValue", "or":
			if c.IsMemberFunction() && len(c.Args()) == 1 {
				return factory.NewMemberCall(0, c.FunctionName(), a.withTypes(c.Target()), a.loose(c.Args())...), true
			}
		}
		return nil, false
	})
}

// loose is withTypes for operands that may be of any type.
func (a arguments) loose(list []ast.Expr) []ast.Expr {
	out := make([]ast.Expr, len(list))
	for i, x := range list {
		out[i] = factory.NewCall(0, "dyn", a.withTypes(x))
	}
	return out
}

// makesTextOfNumber looks for string(x) of a double.
func makesTextOfNumber(checked *ast.AST) bool {
	found := false
	ast.PreOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "string" {
			return
		}
		c := e.AsCall()
		operand := slices.Concat(c.Args())
		if c.IsMemberFunction() {
			operand = append(operand, c.Target())
		}
		found = found || len(operand) == 1 && checked.GetType(operand[0].ID()).Kind() == types.DoubleKind
	}))
	return found
}

// plainNames leaves the names of types of a message that are made up here.
func plainNames(message string) string {
	for name := range typedNames {
		message = strings.NewReplacer(typedName(name, false), name, typedName(name, true), name).Replace(message)
	}
	return message
}
