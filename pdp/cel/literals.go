package cel

import (
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// valueWithKind is an expression that evaluates to the value of another and to
// a letter for its type: a capital one, or a question mark, if the value is not
// told. The values of maps and of lists of more than scalars are told if whole.
func valueWithKind(text string, whole bool) string {
	const element = `type(dyn(mcpolicy_e)) == string || type(dyn(mcpolicy_e)) == double || type(dyn(mcpolicy_e)) == bool || type(dyn(mcpolicy_e)) == null_type`
	list, object := `"L"`, `"M"`
	if whole {
		list, object = `"l"`, `"m"`
	}
	return `cel.bind(mcpolicy_v, dyn(` + text + `), cel.bind(mcpolicy_k,
type(mcpolicy_v) == string ? "s" : type(mcpolicy_v) == bool ? "b" : type(mcpolicy_v) == double ? "d" :
type(mcpolicy_v) == int ? "i" : type(mcpolicy_v) == uint ? "u" : type(mcpolicy_v) == bytes ? "y" : type(mcpolicy_v) == null_type ? "n" :
type(mcpolicy_v) == google.protobuf.Timestamp ? "t" : type(mcpolicy_v) == google.protobuf.Duration ? "r" :
type(mcpolicy_v) == map ? ` + object + ` :
type(mcpolicy_v) == list ? (mcpolicy_v.all(mcpolicy_e, ` + element + `) ? "l" : ` + list + `) : "?",
{"k": mcpolicy_k, "v": mcpolicy_k in ["L", "M", "?"] ? dyn(null) : mcpolicy_v}))`
}

// withKind returns a value that comes from JSON as valueWithKind does, which
// takes the engine longer to compile than all the rest of most conditions.
func withKind(v Evaluated, whole bool) Evaluated {
	if v.Errored {
		return v
	}
	kind, told := "n", true
	switch k := v.V.GetKind().(type) {
	case *structpb.Value_StringValue:
		kind = "s"
	case *structpb.Value_BoolValue:
		kind = "b"
	case *structpb.Value_NumberValue:
		kind = "d"
	case *structpb.Value_StructValue:
		if kind, told = "m", whole; !told {
			kind = "M"
		}
	case *structpb.Value_ListValue:
		if kind, told = "l", whole || !slices.ContainsFunc(k.ListValue.GetValues(), isNested); !told {
			kind = "L"
		}
	}
	of := v.V
	if !told {
		of = structpb.NewNullValue()
	}
	return Evaluated{V: structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"k": structpb.NewStringValue(kind), "v": of}})}
}

func isNested(v *structpb.Value) bool { return kindsOfJSON(v)&(kindList|kindMap) != 0 }

// kindsOfValue returns the kinds of a value, as valueWithKind returns it.
func kindsOfValue(v Evaluated, json bool) kinds {
	if v.Errored {
		return kinds{}
	}
	fields := v.V.GetStructValue().GetFields()
	inside := anyKind
	if json {
		inside = jsonKinds
	}
	switch fields["k"].GetStringValue() {
	case "s":
		return kinds{set: kindString}
	case "b":
		return kindsOfLiteral(expr.Scalar(fields["v"], false))
	case "d":
		return kinds{set: kindDouble}
	case "i":
		return kinds{set: kindInt}
	case "u":
		return kinds{set: kindUint}
	case "y":
		return kinds{set: kindBytes}
	case "n":
		return kinds{set: kindNull}
	case "t":
		return kinds{set: kindTimestamp}
	case "r":
		return kinds{set: kindDuration}
	case "m", "M":
		return kinds{kindMap, inside}
	case "L":
		return kinds{kindList, inside}
	case "l":
		k := kinds{set: kindList}
		for _, x := range fields["v"].GetListValue().GetValues() {
			k.inside |= kindsOfJSON(x)
		}
		return k
	}
	return kinds{kindType | kindOptional | kindOther, anyKind}
}

func kindsOfJSON(v *structpb.Value) kindSet {
	switch v.GetKind().(type) {
	case *structpb.Value_ListValue:
		return kindList
	case *structpb.Value_StructValue:
		return kindMap
	}
	return kindsOfLiteral(expr.Scalar(v, false)).set
}

// literalOf writes a value, as valueWithKind returns it, as CEL.
func literalOf(v Evaluated, h *hole) (ast.Expr, bool) {
	if v.Errored {
		return nil, false
	}
	fields := v.V.GetStructValue().GetFields()
	val := fields["v"]
	call := func(function string) (ast.Expr, bool) {
		return fact.NewCall(0, function, fact.NewLiteral(0, types.String(val.GetStringValue()))), !h.named
	}
	switch fields["k"].GetStringValue() {
	case "s", "b", "d", "n":
		return expr.Scalar(val, h.compared), true
	case "i":
		// JSON has texts for integers that a double does not hold.
		if n, err := strconv.ParseInt(val.GetStringValue(), 10, 64); err == nil {
			return fact.NewLiteral(0, types.Int(n)), true
		}
		return fact.NewLiteral(0, types.Int(val.GetNumberValue())), true
	case "u":
		if n, err := strconv.ParseUint(val.GetStringValue(), 10, 64); err == nil {
			return fact.NewLiteral(0, types.Uint(n)), true
		}
		return fact.NewLiteral(0, types.Uint(val.GetNumberValue())), true
	case "y":
		b, err := base64.StdEncoding.DecodeString(val.GetStringValue())
		return fact.NewLiteral(0, types.Bytes(b)), err == nil && !h.named
	case "t":
		return call("timestamp")
	case "r":
		return call("duration")
	case "l":
		if len(val.GetListValue().GetValues()) == 0 && h.named {
			// CEL takes "x in []" to be false even where x cannot be
			// evaluated, so an empty list keeps its name.
			return nil, false
		}
		return expr.Value(val, h.compared), true
	case "m":
		return expr.Value(val, h.compared), true
	}
	return nil, false
}

// spelt returns an expression without names of the policy: its variables,
// constants and globals are replaced by what they stand for.
func (o *Openness) spelt(e ast.Expr) ast.Expr {
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if definition, ok := o.variable(x); ok {
			return newSeam(-1, o.spelt(definition)), true
		}
		path, ok := expr.Path(x)
		if !ok || len(path) < 2 || expr.IsOptional(x) {
			return nil, false
		}
		var v *structpb.Value
		switch path[0] {
		case "C":
			v = o.constant(path[1])
		case "G":
			v, _ = structpb.NewValue(o.Globals[path[1]]) // the engine has taken them
			if _, ok := o.Globals[path[1]]; !ok {
				return nil, false
			}
		}
		for _, name := range path[2:] {
			v = v.GetStructValue().GetFields()[name]
		}
		if v == nil {
			return nil, false
		}
		return newSeam(-1, expr.Value(v, false)), true
	})
}

// withoutEmptyLists rewrites "x in []", which CEL takes to be false even where
// x cannot be evaluated.
func withoutEmptyLists(e ast.Expr) ast.Expr {
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != operators.In {
			return nil, false
		}
		in, list := x.AsCall().Args()[0], x.AsCall().Args()[1]
		known := false // what the policy itself writes down, CEL takes so, too
		for list.Kind() == ast.CallKind && list.AsCall().FunctionName() == seam {
			known, list = true, list.AsCall().Args()[1]
		}
		if !known || list.Kind() != ast.ListKind || list.AsList().Size() > 0 {
			return nil, false
		}
		return fact.NewCall(0, operators.Equals, fact.NewList(0, []ast.Expr{withoutEmptyLists(in)}, nil), fact.NewList(0, nil, nil)), true
	})
}

// unsealed returns an expression without seams that compiles: dyn() stands
// where otherwise the type checker would refuse what the engine only finds out
// about when it evaluates.
func unsealed(e ast.Expr) ast.Expr {
	n := 0
	plain := unseamed(e, func(int) bool { n++; return false })
	if n == 0 || Compiles(expr.Print(plain)) {
		return plain
	}
	guard := make([]bool, n)
	for i := range guard {
		guard[i] = true
	}
	guarded := func() ast.Expr { return unseamed(e, func(i int) bool { return guard[i] }) }
	if !Compiles(expr.Print(guarded())) {
		return plain
	}
	for i := range guard {
		guard[i] = false
		if !Compiles(expr.Print(guarded())) {
			guard[i] = true
		}
	}
	return guarded()
}

// unseamed replaces seams by what is in them, and by dyn() of it where guard
// says so of the seam of a number.
func unseamed(e ast.Expr, guard func(int) bool) ast.Expr {
	next := 0
	var replace func(x ast.Expr) (ast.Expr, bool)
	replace = func(x ast.Expr) (ast.Expr, bool) {
		if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != seam {
			return nil, false
		}
		number := next
		next++
		wrap := guard(number)
		inner := expr.Rewrite(x.AsCall().Args()[1], replace)
		if wrap {
			inner = fact.NewCall(0, "dyn", inner)
		}
		return inner, true
	}
	return expr.Rewrite(e, replace)
}
