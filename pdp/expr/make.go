package expr

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
)

// Negate returns an expression that is true where e is false, and errors where
// e does.
func Negate(e ast.Expr) ast.Expr {
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

// Joined joins the texts of expressions with a logical operator, with the parentheses
// that it takes. Empty ones are left out.
func Joined(list []string, operator string) string {
	list = slices.DeleteFunc(list, func(s string) bool { return s == "" })
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	var all ast.Expr
	for _, text := range list {
		e, err := Parse(text)
		if err != nil {
			e = fact.NewIdent(0, "("+text+")")
		}
		if all == nil {
			all = e
			continue
		}
		all = fact.NewCall(0, operator, all, e)
	}
	return Print(all)
}

// Shorten gives names the form that reports use: arguments.x for what is
// unknown, principal.x and resource.x for attributes, those that are looked up too.
func Shorten(e ast.Expr, unknown []string) ast.Expr {
	return Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		path, ok := Path(x)
		if !ok || len(path) < 3 || path[1] != "attr" {
			return nil, false
		}
		var root string
		rest := path[2:]
		switch {
		case path[0] == "R" && slices.Contains(rest, authz.LookedUp):
			root, rest = "resource", rest[slices.Index(rest, authz.LookedUp)+1:]
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

// Lengthen gives names the form that policies use, where [Shorten] gave them another: the
// arguments are at a path below the resource's attributes.
func Lengthen(e ast.Expr, unknown []string) ast.Expr {
	attributes := func(root string) ast.Expr { return fact.NewSelect(0, fact.NewIdent(0, root), "attr") }
	return Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if x.Kind() != ast.IdentKind {
			return nil, false
		}
		switch x.AsIdent() {
		case "principal":
			return attributes("P"), true
		case "resource":
			return attributes("R"), true
		case "arguments":
			of := attributes("R")
			for _, name := range unknown {
				of = fact.NewSelect(0, of, name)
			}
			return of, true
		}
		return nil, false
	})
}

// selection rebuilds the last steps of a chain of selections on a new root.
func selection(e ast.Expr, root string, steps int) ast.Expr {
	if steps == 0 {
		name := ast.Expr(fact.NewIdent(0, root))
		if IsOptional(e) {
			name = fact.NewMemberCall(0, "of", fact.NewIdent(0, "optional"), name)
		}
		return name
	}
	if e.Kind() == ast.SelectKind {
		return fact.NewSelect(0, selection(e.AsSelect().Operand(), root, steps-1), e.AsSelect().FieldName())
	}
	c := e.AsCall()
	return fact.NewCall(0, c.FunctionName(), selection(c.Args()[0], root, steps-1), fact.CopyExpr(c.Args()[1]))
}

// Scalar writes a JSON value that is no list or map. A number that is compared may be
// written as an integer where it is one.
func Scalar(v *structpb.Value, compared bool) ast.Expr {
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

// Validated returns what valid asks the schemas of policies about, arguments or principal,
// or "" for any other expression.
func Validated(e ast.Expr) string {
	if e.Kind() != ast.CallKind {
		return ""
	}
	if c := e.AsCall(); c.FunctionName() == "valid" && len(c.Args()) == 1 && c.Args()[0].Kind() == ast.IdentKind {
		return c.Args()[0].AsIdent()
	}
	return ""
}

// JSON returns a scalar of CEL's as a JSON value, in which all numbers are doubles.
func JSON(v ref.Val) (any, bool) {
	switch v := v.(type) {
	case types.Bool:
		return bool(v), true
	case types.Int:
		return float64(v), true
	case types.Uint:
		return float64(v), true
	case types.Double:
		return float64(v), true
	case types.String:
		return string(v), true
	case types.Null:
		return nil, true
	}
	return nil, false
}

// Value writes a JSON value as CEL. Numbers that are compared may be written as integers.
func Value(v *structpb.Value, compared bool) ast.Expr {
	switch k := v.GetKind().(type) {
	case *structpb.Value_ListValue:
		list := make([]ast.Expr, len(k.ListValue.GetValues()))
		for i, x := range k.ListValue.GetValues() {
			list[i] = Value(x, compared)
		}
		return fact.NewList(0, list, nil)
	case *structpb.Value_StructValue:
		var entries []ast.EntryExpr
		for _, name := range slices.Sorted(maps.Keys(k.StructValue.GetFields())) {
			key := fact.NewLiteral(0, types.String(name))
			entries = append(entries, fact.NewMapEntry(0, key, Value(k.StructValue.GetFields()[name], false), false))
		}
		return fact.NewMap(0, entries)
	}
	return Scalar(v, compared)
}

// Rebase puts the last steps of a chain of selections on something else.
func Rebase(e ast.Expr, steps int, onto ast.Expr) ast.Expr {
	if steps == 0 {
		return onto
	}
	if e.Kind() == ast.SelectKind {
		return fact.NewSelect(0, Rebase(e.AsSelect().Operand(), steps-1, onto), e.AsSelect().FieldName())
	}
	c := e.AsCall()
	return fact.NewCall(0, c.FunctionName(), Rebase(c.Args()[0], steps-1, onto), fact.CopyExpr(c.Args()[1]))
}
