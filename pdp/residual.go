package pdp

import (
	"math"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"
)

// A value is what the engine evaluated a closed part to, or that it could not.
type value struct {
	errored bool
	v       *structpb.Value
}

// A formula is what is left of an expression: a constant, or CEL.
type formula struct {
	expr     ast.Expr // nil for a constant
	constant bool
}

// when returns for which values of what is unknown the part comes to want. It
// is exact where a sub-expression errors: that comes to neither.
func (p *part) when(want bool, values []value) formula {
	switch p.op {
	case opClosed:
		b, isBool := values[p.number].v.GetKind().(*structpb.Value_BoolValue)
		return formula{constant: !values[p.number].errored && isBool && b.BoolValue == want}
	case opNot:
		return p.of[0].when(!want, values)
	case opAnd, opOr:
		all := (p.op == opAnd) == want
		return join(all, p.of[0].when(want, values), p.of[1].when(want, values))
	case opIf:
		if p.of[0].when(true, values).constant {
			return p.of[1].when(want, values)
		}
		if p.of[0].when(false, values).constant {
			return p.of[2].when(want, values)
		}
		return formula{}
	case opOpen:
	}
	e, errored := p.fill(values)
	if errored {
		return formula{}
	}
	if !want {
		e = negate(e)
	}
	return formula{expr: e}
}

// join is a && b if all, else a || b.
func join(all bool, a, b formula) formula {
	for _, f := range []formula{a, b} {
		if f.expr == nil && f.constant != all {
			return f
		}
	}
	switch {
	case a.expr == nil:
		return b
	case b.expr == nil || printCEL(a.expr) == printCEL(b.expr):
		return a
	case all:
		return formula{expr: fact.NewCall(0, operators.LogicalAnd, a.expr, b.expr)}
	}
	return formula{expr: fact.NewCall(0, operators.LogicalOr, a.expr, b.expr)}
}

// negate returns an expression that is true where e is false, and errors where
// e does.
func negate(e ast.Expr) ast.Expr {
	opposite := map[string]string{
		operators.Equals: operators.NotEquals, operators.NotEquals: operators.Equals,
	}
	if e.Kind() == ast.CallKind {
		if o, ok := opposite[e.AsCall().FunctionName()]; ok {
			return fact.NewCall(0, o, e.AsCall().Args()...)
		}
	}
	return fact.NewCall(0, operators.LogicalNot, e)
}

// fill puts the values into the holes of an open expression. It reports
// whether the expression errors because of one of them.
func (p *part) fill(values []value) (filled ast.Expr, errored bool) {
	literals := make(map[string]ast.Expr, len(p.holes))
	for _, h := range p.holes {
		v := values[h.number]
		if v.errored && h.strict {
			return nil, true
		}
		literals[h.name] = h.source
		if e, ok := literalOf(v, h.compared); ok {
			literals[h.name] = e
		}
	}
	return rewrite(p.expr, func(e ast.Expr) (ast.Expr, bool) {
		if e.Kind() != ast.IdentKind {
			return nil, false
		}
		l, ok := literals[e.AsIdent()]
		return l, ok
	}), false
}

// literalOf writes a value, as valueWithKind returns it, as CEL.
func literalOf(v value, compared bool) (ast.Expr, bool) {
	if v.errored {
		return nil, false
	}
	fields := v.v.GetStructValue().GetFields()
	val := fields["v"]
	switch fields["k"].GetStringValue() {
	case "s", "b", "d", "n":
		return scalar(val, compared), true
	case "i":
		return scalar(val, true), true
	case "l":
		if len(val.GetListValue().GetValues()) == 0 {
			// CEL takes "x in []" to be false even where x cannot be
			// evaluated, so an empty list keeps its name.
			return nil, false
		}
		list := make([]ast.Expr, len(val.GetListValue().GetValues()))
		for i, x := range val.GetListValue().GetValues() {
			list[i] = scalar(x, compared)
		}
		return fact.NewList(0, list, nil), true
	}
	return nil, false
}

func scalar(v *structpb.Value, compared bool) ast.Expr {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return fact.NewLiteral(0, types.String(k.StringValue))
	case *structpb.Value_BoolValue:
		return fact.NewLiteral(0, types.Bool(k.BoolValue))
	case *structpb.Value_NumberValue:
		if n := k.NumberValue; compared && n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return fact.NewLiteral(0, types.Int(n))
		}
		return fact.NewLiteral(0, types.Double(k.NumberValue))
	}
	return fact.NewLiteral(0, types.NullValue)
}

// shorten gives names the form that reports use: arguments.x for what is
// unknown, principal.x and resource.x for attributes.
func shorten(e ast.Expr, unknown []string) ast.Expr {
	return rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		path, ok := pathOf(x)
		if !ok || len(path) < 3 || path[1] != "attr" {
			return nil, false
		}
		var root string
		rest := path[2:]
		switch {
		case path[0] == "R" && unknown != nil && len(rest) >= len(unknown) && slices.Equal(rest[:len(unknown)], unknown):
			root, rest = "arguments", rest[len(unknown):]
		case path[0] == "R":
			root = "resource"
		case path[0] == "P":
			root = "principal"
		default:
			return nil, false
		}
		return selection(x, root, len(rest)), true
	})
}

// selection rebuilds the last steps of a chain of selections on a new root.
func selection(e ast.Expr, root string, steps int) ast.Expr {
	if steps == 0 {
		return fact.NewIdent(0, root)
	}
	if e.Kind() == ast.SelectKind {
		return fact.NewSelect(0, selection(e.AsSelect().Operand(), root, steps-1), e.AsSelect().FieldName())
	}
	c := e.AsCall()
	return fact.NewCall(0, c.FunctionName(), selection(c.Args()[0], root, steps-1), fact.CopyExpr(c.Args()[1]))
}
