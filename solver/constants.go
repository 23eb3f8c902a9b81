package solver

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// constant returns the value of an expression that comes to the same in every request:
// literals, and what is known of the request. It is absent where nothing stands.
func (a *analysis) constant(e ast.Expr, request int) (any, bool) {
	if v, ok := literal(e); ok {
		return v, true
	}
	switch e.Kind() { //nolint:exhaustive // no others are looked into
	case ast.ListKind:
		list := []any{}
		for _, x := range e.AsList().Elements() {
			v, ok := a.constant(x, request)
			if _, none := v.(absent); !ok || none {
				return nil, false
			}
			list = append(list, v)
		}
		return list, len(e.AsList().OptionalIndices()) == 0
	case ast.MapKind:
		return a.constantMap(e.AsMap(), request)
	case ast.CallKind:
		if name, _ := called(e); slices.Contains(arithmetic, name) {
			if v := a.calculated(e, request); v != nil {
				return expr.JSON(v)
			}
		}
	}
	if path, exact := expr.Path(e); exact && expr.IsRoot(path[0]) && !expr.IsOptional(e) {
		if _, _, s := a.resolve(path, request); s == isFixed {
			return fixedAt(&a.in.Requests[request], path)
		}
	}
	return nil, false
}

func (a *analysis) constantMap(m ast.MapExpr, request int) (any, bool) {
	of := map[string]any{}
	for _, entry := range m.Entries() {
		key, isLiteral := literal(entry.AsMapEntry().Key())
		name, isText := key.(string)
		v, ok := a.constant(entry.AsMapEntry().Value(), request)
		if _, none := v.(absent); !isLiteral || !isText || !ok || none || entry.AsMapEntry().IsOptional() {
			return nil, false
		}
		of[name] = v
	}
	return of, true
}

// calculated returns what arithmetic on constants comes to, or nil. CEL does it.
func (a *analysis) calculated(e ast.Expr, request int) ref.Val {
	name, operands := called(e)
	if len(operands) == 0 || !slices.Contains(arithmetic, name) {
		if e.Kind() == ast.LiteralKind {
			return e.AsLiteral()
		}
		v, ok := a.constant(e, request)
		if _, none := v.(absent); !ok || none || isComposite(v) {
			return nil
		}
		return types.DefaultTypeAdapter.NativeToValue(v)
	}
	of := make([]ref.Val, len(operands))
	for i, x := range operands {
		if of[i] = a.calculated(x, request); of[i] == nil {
			return nil
		}
	}
	return applied(name, of)
}

func applied(name string, of []ref.Val) ref.Val {
	var r ref.Val
	switch x := of[0]; {
	case len(of) == 1:
		if x, ok := x.(traits.Negater); ok {
			r = x.Negate()
		}
	case name == operators.Add:
		if x, ok := x.(traits.Adder); ok {
			r = x.Add(of[1])
		}
	case name == operators.Subtract:
		if x, ok := x.(traits.Subtractor); ok {
			r = x.Subtract(of[1])
		}
	case name == operators.Multiply:
		if x, ok := x.(traits.Multiplier); ok {
			r = x.Multiply(of[1])
		}
	case name == operators.Divide:
		if x, ok := x.(traits.Divider); ok {
			r = x.Divide(of[1])
		}
	}
	if r == nil || types.IsError(r) {
		return nil
	}
	return r
}

// isInteger reports whether a literal is an integer of CEL's, which calculates with
// integers only.
func isInteger(e ast.Expr) bool {
	if e.Kind() != ast.LiteralKind {
		return false
	}
	_, ok := e.AsLiteral().(types.Int)
	return ok
}
