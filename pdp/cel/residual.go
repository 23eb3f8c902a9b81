package cel

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Evaluated is what the engine evaluated a closed part to, or that it could not.
type Evaluated struct {
	Errored bool
	V       *structpb.Value
}

// When returns for which values of what is unknown the leaf comes to want.
func (p *Parts) When(want bool, values []Evaluated, strict bool) Formula {
	return p.whenPiece(p.root, want, values, strict)
}

// A Formula is what is left of an expression: a constant, or CEL.
type Formula struct {
	Expr     ast.Expr // nil for a constant
	Constant bool
}

// whenPiece returns for which values of what is unknown a part comes to want. It is
// exact where a sub-expression errors: that comes to neither.
func (p *Parts) whenPiece(n *piece, want bool, values []Evaluated, strict bool) Formula {
	switch n.op {
	case opClosed:
		v := values[n.number]
		b, isBool := v.V.GetKind().(*structpb.Value_BoolValue)
		if n.root && !isBool {
			return Formula{Constant: !v.Errored && !want}
		}
		return Formula{Constant: !v.Errored && isBool && b.BoolValue == want}
	case opNot:
		return p.whenPiece(n.of[0], !want, values, strict)
	case opAnd, opOr:
		all := (n.op == opAnd) == want
		return join(all, p.whenPiece(n.of[0], want, values, strict), p.whenPiece(n.of[1], want, values, strict))
	case opIf:
		if p.whenPiece(n.of[0], true, values, strict).Constant {
			return p.whenPiece(n.of[1], want, values, strict)
		}
		if p.whenPiece(n.of[0], false, values, strict).Constant {
			return p.whenPiece(n.of[2], want, values, strict)
		}
		return Formula{}
	case opDefined:
		return p.whenDefined(n, want, values)
	case opOpen:
	}
	return p.whenOpen(n, want, values, strict)
}

// whenDefined is whenPiece of a question whether an expression has a value. There is
// no CEL for that it has none.
func (p *Parts) whenDefined(n *piece, want bool, values []Evaluated) Formula {
	e, of, errored := n.fill(values)
	switch {
	case errored || (&typing{unknown: p.unknown, holes: of}).of(e).set == 0:
		return Formula{Constant: !want}
	case !want:
		return Formula{Expr: expr.Negate(n.named)}
	}
	list := fact.NewList(0, []ast.Expr{unsealed(withoutEmptyLists(e))}, nil)
	return Formula{Expr: fact.NewCall(0, operators.NotEquals, list, fact.NewList(0, nil, nil))}
}

// whenOpen is whenPiece of an open part. Types may settle that it never comes to
// want.
func (p *Parts) whenOpen(n *piece, want bool, values []Evaluated, strict bool) Formula {
	e, of, errored := n.fill(values)
	if errored {
		return Formula{}
	}
	t := &typing{unknown: p.unknown, holes: of}
	k := t.of(e)
	if n.root && k.set == kindOptional {
		// The engine looks into an optional.
		e = fact.NewMemberCall(0, "orValue", e, fact.NewLiteral(0, types.False))
		k = kinds{set: k.inside | kindFalse}
	}
	wanted := kindTrue
	switch {
	case !want && n.root:
		wanted = anyKind &^ kindTrue
	case !want:
		wanted = kindFalse
	}
	if !k.can(wanted) {
		return Formula{}
	}
	e = unsealed(withoutEmptyLists(e))
	switch {
	case n.root && strict && k.can(anyKind&^kindBool):
		// Strictly, what is no boolean is an error to CEL's operators.
		operator := operators.Equals
		if !want {
			operator = operators.NotEquals
		}
		if k.set&kindTrue == 0 {
			e = fact.NewCall(0, "dyn", e)
		}
		e = fact.NewCall(0, operator, e, fact.NewLiteral(0, types.True))
	case !want:
		e = expr.Negate(e)
	}
	return Formula{Expr: e}
}

// join is a && b if all, else a || b.
func join(all bool, a, b Formula) Formula {
	for _, f := range []Formula{a, b} {
		if f.Expr == nil && f.Constant != all {
			return f
		}
	}
	switch {
	case a.Expr == nil:
		return b
	case b.Expr == nil || expr.Print(a.Expr) == expr.Print(b.Expr):
		return a
	case all:
		return Formula{Expr: fact.NewCall(0, operators.LogicalAnd, a.Expr, b.Expr)}
	}
	return Formula{Expr: fact.NewCall(0, operators.LogicalOr, a.Expr, b.Expr)}
}

// fill puts the values into the holes of an open expression, each behind a
// seam, and tells of what kinds they are. It reports whether the expression
// errors because of one of them.
func (n *piece) fill(values []Evaluated) (filled ast.Expr, of []kinds, errored bool) {
	literals := make(map[string]ast.Expr, len(n.holes))
	with := func(e ast.Expr) ast.Expr {
		return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
			if x.Kind() != ast.IdentKind {
				return nil, false
			}
			l, ok := literals[x.AsIdent()]
			return l, ok
		})
	}
	for i := range n.holes {
		h := &n.holes[i]
		v := values[h.number]
		if h.plain {
			v = withKind(v, h.whole())
		}
		if v.Errored && h.strict {
			return nil, nil, true
		}
		of = append(of, kindsOfValue(v, h.json))
		e, ok := literalOf(v, h)
		// Nothing has lists and maps for keys, and the engine does not even plan
		// for such literals.
		noKey := h.index && of[i].set&^(kindList|kindMap) == 0
		switch {
		case ok && !noKey:
		case (v.Errored || noKey) && !h.named, noKey && readsNothing(h.source):
			// What errs where nobody knows the name.
			e = fact.NewCall(0, operators.Index, fact.NewMap(0, nil), fact.NewLiteral(0, types.String(expr.Print(unseamed(h.source, func(int) bool { return false })))))
		default:
			e = with(h.source)
		}
		literals[h.name] = newSeam(i, e)
	}
	return with(n.expr), of, false
}

// readsNothing reports whether an expression is over no attribute.
func readsNothing(e ast.Expr) bool {
	return e.Kind() != ast.IdentKind && !slices.ContainsFunc(expr.Children(e), func(x ast.Expr) bool { return !readsNothing(x) })
}
