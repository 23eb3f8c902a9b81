package solver

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A node is a part of an expression, taken apart at && || ! ?: down to its leaves.
type node struct {
	op   nodeOp
	args []*node
	leaf *leaf
}

type nodeOp uint8

const (
	isLeaf nodeOp = iota
	isAnd
	isOr
	isNot
	isIf
)

// skeleton takes an expression apart. What is no boolean counts as unmet where the
// expression is whole, also as a branch of a ternary, and as an error inside.
func (a *analysis) skeleton(e ast.Expr, request int, whole bool) *node {
	if e.Kind() == ast.CallKind {
		c := e.AsCall()
		part := func(i int, whole bool) *node { return a.skeleton(c.Args()[i], request, whole) }
		switch c.FunctionName() {
		case operators.LogicalAnd:
			return &node{op: isAnd, args: []*node{part(0, false), part(1, false)}}
		case operators.LogicalOr:
			return &node{op: isOr, args: []*node{part(0, false), part(1, false)}}
		case operators.LogicalNot:
			return &node{op: isNot, args: []*node{part(0, false)}}
		case operators.Conditional:
			return &node{op: isIf, args: []*node{part(0, false), part(1, whole), part(2, whole)}}
		case operators.Equals, operators.NotEquals:
			if isBoolean(c.Args()[0]) && isBoolean(c.Args()[1]) {
				return equalNodes(part(0, false), part(1, false), c.FunctionName() == operators.Equals)
			}
		}
		if lifted, ok := lifted(e); ok {
			return a.skeleton(lifted, request, whole)
		}
	}
	if !whole && !isBoolean(e) {
		if _, exact := expr.Path(e); !exact { // it may be of a type that the checker knows to be none
			e = fact.NewCall(0, "dyn", e)
		}
		e = fact.NewCall(0, operators.LogicalAnd, e, fact.NewLiteral(0, types.True)) // errs unless it is a boolean
	}
	return &node{leaf: a.leaf(e, request)}
}

// lifted takes a ternary of literals out of a comparison, which errs where its operands do.
func lifted(e ast.Expr) (ast.Expr, bool) {
	name, operands := called(e)
	if !slices.Contains(orders, name) && name != operators.Equals && name != operators.NotEquals {
		return nil, false
	}
	for i, x := range operands {
		f, parts := called(x)
		if f != operators.Conditional || !sameLiterals(parts[1], parts[2]) {
			continue
		}
		with := func(branch ast.Expr) ast.Expr {
			sides := slices.Clone(operands)
			sides[i] = branch
			return fact.NewCall(0, name, sides...)
		}
		return fact.NewCall(0, operators.Conditional, parts[0], with(parts[1]), with(parts[2])), true
	}
	return nil, false
}

// sameLiterals reports whether two expressions are literals of one type, so that what takes the
// one takes the other.
func sameLiterals(x, y ast.Expr) bool {
	return x.Kind() == ast.LiteralKind && y.Kind() == ast.LiteralKind && x.AsLiteral().Type() == y.AsLiteral().Type()
}

// equalNodes says that two booleans are equal, or not: both are true, or both are false. It
// errs where one of them does.
func equalNodes(x, y *node, equal bool) *node {
	not := func(n *node) *node { return &node{op: isNot, args: []*node{n}} }
	n := &node{op: isOr, args: []*node{{op: isAnd, args: []*node{x, y}}, {op: isAnd, args: []*node{not(x), not(y)}}}}
	if !equal {
		return not(n)
	}
	return n
}

// booleans are the functions that come to nothing but booleans.
var booleans = []string{
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
	operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.In, operators.Has, "startsWith", "endsWith", "contains", "matches", "exists", "all", "exists_one", "hasIntersection", "isSubset",
}

func isBoolean(e ast.Expr) bool {
	switch e.Kind() { //nolint:exhaustive // the others may be anything
	case ast.CallKind:
		return slices.Contains(booleans, e.AsCall().FunctionName())
	case ast.LiteralKind:
		_, ok := e.AsLiteral().(types.Bool)
		return ok
	}
	return false
}

// core returns what a leaf is about: the leaf without what skeleton put around it.
func core(e ast.Expr) ast.Expr {
	for _, around := range []string{operators.LogicalAnd, "dyn"} {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == around {
			e = e.AsCall().Args()[0]
		}
	}
	return e
}

// plain rewrites an expression to one that means the same and says it in fewer ways:
// cel.bind is inlined, and exists and all over a list that is written out become || and
// &&, which take errors in the same way.
func plain(e ast.Expr) ast.Expr {
	return expr.Rewrite(expr.Hygienic(e), func(x ast.Expr) (ast.Expr, bool) {
		if x.Kind() != ast.CallKind || !x.AsCall().IsMemberFunction() {
			return nil, false
		}
		c := x.AsCall()
		r, ok := ast.Expr(nil), false
		switch c.FunctionName() {
		case "bind":
			if c.Target().Kind() == ast.IdentKind && c.Target().AsIdent() == "cel" && len(c.Args()) == 3 && c.Args()[0].Kind() == ast.IdentKind {
				r, ok = inlined(c.Args()[2], c.Args()[0].AsIdent(), c.Args()[1])
			}
		case "exists":
			r, ok = unrolled(c, operators.LogicalOr, types.False)
		case "all":
			r, ok = unrolled(c, operators.LogicalAnd, types.True)
		}
		if !ok {
			return nil, false
		}
		return plain(r), true
	})
}

// mostUnrolled is how long a list may be whose quantifiers are written out.
const mostUnrolled = 64

func unrolled(c ast.CallExpr, join string, none types.Bool) (ast.Expr, bool) {
	if c.Target().Kind() != ast.ListKind || len(c.Args()) != 2 || c.Args()[0].Kind() != ast.IdentKind {
		return nil, false
	}
	list := c.Target().AsList()
	if len(list.OptionalIndices()) > 0 || list.Size() > mostUnrolled {
		return nil, false
	}
	var r ast.Expr
	for _, x := range list.Elements() {
		part, ok := inlined(c.Args()[1], c.Args()[0].AsIdent(), x)
		switch {
		case !ok || x.Kind() != ast.LiteralKind: // a list with an element that errs is an error as a whole
			return nil, false
		case r == nil:
			r = part
		default:
			r = fact.NewCall(0, join, r, part)
		}
	}
	if r == nil || list.Size() == 1 {
		r = fact.NewCall(0, join, fact.NewLiteral(0, types.Bool(none)), orLiteral(r, none))
	}
	return r, true
}

func orLiteral(e ast.Expr, v types.Bool) ast.Expr {
	if e == nil {
		return fact.NewLiteral(0, v)
	}
	return e
}

// inlined puts an expression in the place of a variable. It is not ok where a macro
// inside binds a name that stands in the expression.
func inlined(body ast.Expr, name string, value ast.Expr) (_ ast.Expr, ok bool) {
	ok = true
	r := expr.Rewrite(body, func(x ast.Expr) (ast.Expr, bool) {
		switch x.Kind() { //nolint:exhaustive // only these have names
		case ast.IdentKind:
			if x.AsIdent() == name {
				return value, true
			}
		case ast.CallKind:
			for _, bound := range expr.Bound(x.AsCall()) {
				if bound == name || expr.Mentions(value, bound) {
					ok = false
				}
			}
		}
		return nil, false
	})
	return r, ok
}
