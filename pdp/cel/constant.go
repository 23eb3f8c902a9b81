package cel

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A constant is a value that is the same for every request.
type constant struct {
	typeName string // as CEL calls it
	text     string // of a string
	of       []constant
}

// constant returns the value of an expression, if it is easily seen to be a
// constant.
func (w *readWalker) constant(e ast.Expr) (constant, bool) {
	e = w.behind(e)
	switch e.Kind() {
	case ast.LiteralKind:
		text, _ := e.AsLiteral().(types.String)
		return constant{typeName: e.AsLiteral().Type().TypeName(), text: string(text)}, true
	case ast.ListKind:
		list := constant{typeName: "list"}
		for _, x := range e.AsList().Elements() {
			v, ok := w.constant(x)
			if !ok {
				return constant{}, false
			}
			list.of = append(list.of, v)
		}
		return list, true
	case ast.CallKind, ast.SelectKind:
		if path, ok := expr.Path(e); ok && len(path) == 2 && path[0] == "C" && w.definitions.constant(path[1]) != nil {
			return constantOf(w.definitions.constant(path[1])), true
		}
	case ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.IdentKind, ast.MapKind, ast.StructKind:
	}
	return constant{}, false
}

func constantOf(v *structpb.Value) constant {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return constant{typeName: "string", text: k.StringValue}
	case *structpb.Value_NumberValue:
		return constant{typeName: "double"}
	case *structpb.Value_BoolValue:
		return constant{typeName: "bool"}
	case *structpb.Value_StructValue:
		return constant{typeName: "map"}
	case *structpb.Value_ListValue:
		list := constant{typeName: "list"}
		for _, x := range k.ListValue.GetValues() {
			list.of = append(list.of, constantOf(x))
		}
		return list
	}
	return constant{typeName: "null_type"}
}
