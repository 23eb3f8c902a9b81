package cel

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// What macros look at in the elements of a list is read as steps below the list:
// items.all(i, i.price > 0) reads items [pdp.Element] price, as items[0].price does.

// anyElement returns what stands for the elements of a list.
func anyElement(list ast.Expr) ast.Expr {
	return fact.NewCall(0, operators.Index, list, fact.NewLiteral(0, types.String(pdp.Element)))
}

// firstElement returns an expression that takes an element by its number with
// [pdp.Element] in place of the number.
func firstElement(e ast.Expr) (ast.Expr, bool) {
	numbered := false
	replaced := expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != operators.Index || x.AsCall().Args()[1].Kind() != ast.LiteralKind {
			return nil, false
		}
		if _, isNumber := x.AsCall().Args()[1].AsLiteral().(types.Int); !isNumber {
			return nil, false
		}
		list := x.AsCall().Args()[0]
		if inner, ok := firstElement(list); ok {
			list = inner
		}
		if _, ok := expr.Path(list); !ok {
			return nil, false
		}
		numbered = true
		return anyElement(list), true
	})
	_, isPath := expr.Path(replaced)
	return replaced, numbered && isPath
}

// ofElements returns an argument of a call with the element of the list that it
// goes through in the place of the variable that is bound to it.
func ofElements(c ast.CallExpr, argument ast.Expr) ast.Expr {
	names := expr.Bound(c)
	if len(names) == 0 || c.FunctionName() == "bind" {
		return argument
	}
	of, ok := elementsOf(c.Target())
	if !ok {
		return argument
	}
	// With two variables the first is the number, or a key.
	return substitute(argument, names[len(names)-1], of)
}

// elementsOf returns what stands for the elements of a list that is a place in
// the request, or made from one by filtering and mapping.
func elementsOf(list ast.Expr) (ast.Expr, bool) {
	if path, ok := expr.Path(list); ok {
		return anyElement(list), len(path) > 1
	}
	if list.Kind() != ast.CallKind || !list.AsCall().IsMemberFunction() {
		return nil, false
	}
	c := list.AsCall()
	switch c.FunctionName() {
	case "filter", "sortBy":
		return elementsOf(c.Target())
	case "map":
		if names := expr.Bound(c); len(names) == 1 && len(c.Args()) == 2 {
			of := ofElements(c, c.Args()[1])
			_, ok := expr.Path(of)
			return of, ok
		}
	}
	return nil, false
}

// substitute puts an expression in the place of a variable, where no macro binds
// the name anew.
func substitute(e ast.Expr, name string, by ast.Expr) ast.Expr {
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		switch x.Kind() {
		case ast.IdentKind:
			return by, x.AsIdent() == name
		case ast.CallKind:
			c := x.AsCall()
			if names := expr.Bound(c); slices.Contains(names, name) {
				return fact.NewMemberCall(0, c.FunctionName(), substitute(c.Target(), name, by), c.Args()...), true
			}
		case ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.ListKind, ast.LiteralKind, ast.MapKind, ast.SelectKind, ast.StructKind:
		}
		return nil, false
	})
}
