package cel

import (
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// What stands for a name of a policy is put in its place in two ways. Where the result is
// evaluated or printed, a name is replaced by what can stand there: its own names are kept
// apart, and an optional is what a variable makes of it. Where expressions are only looked
// at, the definition is taken as it was written.

// variable returns the definition of the policy variable that e names, to
// stand in its place.
func (d *definitions) variable(e ast.Expr) (ast.Expr, bool) {
	name, ok := variableOf(e)
	if !ok || d == nil {
		return nil, false
	}
	definition := d.replacement(name)
	return definition, definition != nil
}

// replacement returns what can stand in the place of a variable, or nil.
func (d *definitions) replacement(name string) ast.Expr {
	v := d.of[name]
	if v == nil {
		return nil
	}
	if !v.replaced {
		v.replaced = true
		parsed, err := parseHygienic(v.text)
		if err != nil {
			return nil
		}
		if isOptionalType(v.text) {
			// A variable holds what is in an optional, or null.
			parsed = fact.NewMemberCall(0, "orValue", parsed, fact.NewLiteral(0, types.NullValue))
		}
		v.replacement = parsed
	}
	return v.replacement
}

// constant returns the value of a constant, or nil.
func (d *definitions) constant(name string) *structpb.Value {
	if d == nil {
		return nil
	}
	return d.constants[name]
}

// inline replaces the policy's variables and constants by what they stand for,
// unless the result would not end.
func (d *definitions) inline(e ast.Expr) ast.Expr {
	if !d.fits(e) {
		return fact.CopyExpr(e)
	}
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if definition, ok := d.variable(x); ok {
			return d.inline(definition), true
		}
		path, ok := expr.Path(x)
		if !ok || len(path) != 2 || path[0] != "C" {
			return nil, false
		}
		switch v := d.constant(path[1]); v.GetKind().(type) {
		case *structpb.Value_StringValue, *structpb.Value_NumberValue, *structpb.Value_BoolValue:
			return expr.Scalar(v, false), true
		}
		return nil, false
	})
}

// Inlined returns an expression with the variables and constants that it sees replaced
// by what they stand for, or as it stands if it names none.
func Inlined(text string, params *runtimev1.RuleTable_RuleRow_Params) string {
	parsed, err := expr.Parse(text)
	if err != nil {
		return text
	}
	if inlined := expr.Print(definitionsOf(params).inline(parsed)); inlined != expr.Print(parsed) {
		return inlined
	}
	return text
}

// written returns what a path that begins with a variable of the policy stands for, as
// it was written, and the variable.
func (d *definitions) written(e ast.Expr) (definition ast.Expr, name string, ok bool) {
	path, exact := expr.Path(e)
	if !exact || len(path) < 2 || path[0] != "V" {
		return nil, "", false
	}
	parsed := d.named(path[1])
	if parsed == nil {
		return nil, "", false
	}
	return expr.Rebase(e, len(path)-2, parsed), path[1], true
}

// behind returns what an expression is that may be a variable, or a path into one, as
// it was written.
func (d *definitions) behind(e ast.Expr) ast.Expr {
	for {
		definition, _, ok := d.written(e)
		if !ok {
			return e
		}
		e = definition
	}
}
