package coaz

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A writing is an expression in the words of conditions, where arguments are all that is
// not known.
type writing struct {
	from   authz.Origin // the argument that it is, as it is; nil if it is something else
	value  ast.Expr
	isText bool       // whatever the arguments
	needs  []ast.Expr // what has to be met for the expression to come to something, or to nothing
	maybe  []ast.Expr // what has to be met for an argument to be there that may be left out
}

// write returns a value that depends on arguments. An error says that it cannot be told by
// them alone.
func (x *opening) write(v *Value) (*writing, error) {
	unknown := func(why string) (*writing, error) { return nil, fmt.Errorf("%s: %s: %s", v.Name, shorten(v.Text), why) }
	tree, err := expr.Parse(v.Text)
	switch {
	case err != nil:
		return nil, err
	case binds(tree):
		return unknown("a macro has a variable that is called like what it reads")
	}
	if w := argumentOf(tree); w != nil {
		return w, nil
	}
	value, err := x.inConditions(expr.Hygienic(tree))
	if err != nil {
		return unknown(err.Error())
	}
	w := &writing{value: value}
	switch kind := v.expr.result.Kind(); {
	case kind == types.StringKind:
		w.needs, w.isText = definedAs(value, "string"), true
	case kind == types.BoolKind:
		w.needs = definedAs(value, "bool")
	case kind == types.DoubleKind: // and no infinite one, which JSON has not
		none := factory.NewCall(0, operators.Subtract, value, factory.CopyExpr(value))
		w.needs = []ast.Expr{factory.NewCall(0, operators.Equals, none, factory.NewLiteral(0, types.Double(0)))}
	case kind == types.DynKind && keepsTypes(tree):
		size := factory.NewMemberCall(0, "size", factory.NewList(0, []ast.Expr{value}, nil))
		w.needs = []ast.Expr{factory.NewCall(0, operators.Equals, size, factory.NewLiteral(0, types.Int(1)))}
	default:
		return unknown("its text does not tell what a policy sees of it")
	}
	return w, nil
}

func hasType(e ast.Expr, name string) ast.Expr {
	return factory.NewCall(0, operators.Equals, factory.NewCall(0, "type", e), factory.NewIdent(0, name))
}

// texts returns what has to be met for a part that has to be a text.
func (w *writing) texts() []ast.Expr {
	needs := slices.Concat(w.needs, w.maybe)
	if !w.isText {
		needs = append(needs, hasType(w.value, "string"))
	}
	if !isFilled(w.value) {
		needs = append(needs, factory.NewCall(0, operators.NotEquals, w.value, factory.NewLiteral(0, types.String(""))))
	}
	return needs
}

// textOrNone returns the value if it is a text, and otherwise an empty one.
func (w *writing) textOrNone() string {
	is := hasType(w.value, "string")
	for _, need := range slices.Backward(w.maybe) {
		is = factory.NewCall(0, operators.LogicalAnd, need, is)
	}
	return expr.Print(factory.NewCall(0, operators.Conditional, is, w.value, factory.NewLiteral(0, types.String(""))))
}

// keepsTypes reports whether all values that an expression can come to are those of its
// inputs, or such as JSON has.
func keepsTypes(e ast.Expr) bool {
	if path, ok := expr.Path(e); ok {
		return isInput(path[0], nil) && !expr.IsOptional(e)
	}
	switch e.Kind() { //nolint:exhaustive // others are not known to
	case ast.LiteralKind:
		switch e.AsLiteral().(type) {
		case types.String, types.Bool, types.Double:
			return true
		}
	case ast.CallKind:
		c := e.AsCall()
		return c.FunctionName() == operators.Conditional && keepsTypes(c.Args()[1]) && keepsTypes(c.Args()[2])
	}
	return false
}

// argumentOf returns the writing of one argument as it is, nil of anything else.
func argumentOf(e ast.Expr) *writing {
	path, ok := expr.Path(e)
	below := Read{Path: path}.Argument()
	if !ok || below == nil {
		return nil
	}
	mayBeLeftOut := e.Kind() == ast.CallKind && e.AsCall().FunctionName() != operators.Index
	if expr.IsOptional(e) && (!mayBeLeftOut || expr.IsOptional(expr.Above(e, 1))) {
		return nil
	}
	value := expr.Rebase(e, len(below), factory.NewIdent(0, argumentsName))
	if mayBeLeftOut {
		value = factory.NewSelect(0, value.AsCall().Args()[0], below[len(below)-1])
	}
	w := &writing{from: append(authz.Origin{argumentsName}, below...), value: value}
	w.needs, _ = stepsOf(value)
	if mayBeLeftOut {
		last := len(w.needs) - 1
		w.needs, w.maybe = w.needs[:last], w.needs[last:]
	}
	return w
}

// inConditions puts what is known in its place, and the arguments where conditions have them.
func (x *opening) inConditions(e ast.Expr) (ast.Expr, error) {
	var unclear error
	written := expr.Rewrite(e, func(of ast.Expr) (ast.Expr, bool) {
		if of.Kind() == ast.CallKind && of.AsCall().FunctionName() == operators.Has {
			path, _ := expr.Path(of.AsCall().Args()[0])
			return factory.NewLiteral(0, types.True), slices.Equal(path, []string{paramsName, argumentsName})
		}
		path, ok := expr.Path(of)
		if !ok || !isInput(path[0], nil) {
			return nil, false
		}
		values := x.in.token
		if path[0] == paramsName {
			values = x.in.params
			switch {
			case len(path) > 1 && path[1] == argumentsName && !expr.IsOptional(expr.Above(of, len(path)-2)):
				return expr.Rebase(of, len(path)-2, factory.NewIdent(0, argumentsName)), true
			case len(path) < 2 || path[1] == argumentsName || values[path[1]] == nil:
				unclear = errors.New("the parameters as a whole are not known")
				return of, true
			}
		}
		if v, there := authz.Origin(path).Value(nil, values); there && len(path) > 1 && !expr.IsOptional(of) {
			return expr.Constant(v), true
		}
		return expr.Rebase(of, len(path)-1, expr.Constant(values)), true
	})
	return written, unclear
}
