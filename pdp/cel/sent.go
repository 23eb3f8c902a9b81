package cel

import (
	"slices"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A call's arguments may be unknown, but that there are some is not, nor that
// they are a map: the enforcement point sends them, if only empty ones.

// sentBelow returns how many more steps it takes from a path to the arguments:
// none for the arguments themselves. Other paths are not ok.
func (o *Openness) sentBelow(e ast.Expr) (steps int, ok bool) {
	path, ok := expr.Path(e)
	if !ok || o.Unknown == nil || len(path) < 2 || path[0] != "R" || path[1] != "attr" {
		return 0, false
	}
	steps = len(o.Unknown) - (len(path) - 2)
	return steps, steps >= 0 && expr.Within(path[2:], o.Unknown)
}

// isSettled reports whether a call asks of the arguments only what is the same
// for all.
func (o *Openness) isSettled(c ast.CallExpr, vars []string) bool {
	args := c.Args()
	if c.IsMemberFunction() {
		steps, sent := o.sentBelow(c.Target())
		switch c.FunctionName() {
		case "hasValue":
			return sent
		case "size":
			return sent && steps > 0
		case "all", "exists", "exists_one", "existsOne", "map", "filter": // of the names
			return sent && steps > 0 && len(expr.Bound(c)) == 1 && !slices.ContainsFunc(args[1:], func(a ast.Expr) bool { return o.IsOpen(a, vars) })
		}
		return false
	}
	if len(args) == 0 {
		return false
	}
	last := args[len(args)-1]
	steps, sent := o.sentBelow(last)
	switch c.FunctionName() {
	case operators.Has, "type":
		return sent
	case "size":
		return sent && steps > 0
	case operators.In:
		return sent && steps > 0 && !o.IsOpen(args[0], vars)
	case operators.Equals, operators.NotEquals:
		_, sentFirst := o.sentBelow(args[0])
		return sent && isNull(args[0]) || sentFirst && isNull(last)
	}
	return false
}

func isNull(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.NullValue
}

// WithSent returns a resource with empty arguments, and with further
// attributes.
func WithSent(r *enginev1.Resource, unknown []string, more map[string]*structpb.Value) *enginev1.Resource {
	attr := r.Attr
	if len(unknown) > 0 {
		attr = withEmpty(attr, unknown)
	}
	for name, v := range more {
		attr = withField(attr, name, v)
	}
	return &enginev1.Resource{Kind: r.Kind, Id: r.Id, Attr: attr, PolicyVersion: r.PolicyVersion, Scope: r.Scope}
}

func withEmpty(attr map[string]*structpb.Value, path []string) map[string]*structpb.Value {
	var below map[string]*structpb.Value
	if len(path) > 1 {
		below = withEmpty(attr[path[0]].GetStructValue().GetFields(), path[1:])
	}
	return withField(attr, path[0], structpb.NewStructValue(&structpb.Struct{Fields: below}))
}

func withField(attr map[string]*structpb.Value, name string, v *structpb.Value) map[string]*structpb.Value {
	copied := make(map[string]*structpb.Value, len(attr)+1)
	for k, x := range attr {
		copied[k] = x
	}
	copied[name] = v
	return copied
}
