package expr

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// roots are Cerbos's names for what an expression can read.
var roots = []string{"P", "R", "request", "V", "C", "G", "runtime"}

// IsRoot reports whether a name is one of what an expression can read.
func IsRoot(name string) bool { return slices.Contains(roots, name) }

// ShortNames returns what reports call arguments and attributes.
func ShortNames() []string { return []string{"arguments", "principal", "resource"} }

// Short returns the short one of Cerbos's names for what an expression can read.
func Short(name string) string {
	if short, ok := shortRoots[name]; ok {
		return short
	}
	return name
}

// IsOptional reports whether a path has a step that may lead nowhere.
func IsOptional(e ast.Expr) bool {
	if e.Kind() == ast.CallKind && slices.Contains([]string{operators.OptSelect, operators.OptIndex}, e.AsCall().FunctionName()) {
		return true
	}
	return slices.ContainsFunc(Children(e), IsOptional)
}

// Path returns the names of a chain of selections from a variable, with
// Cerbos's long names shortened: request.principal.attr.x is P attr x. It is
// ok if every step has a name that is known from the text; otherwise the path
// ends before the first that has not.
func Path(e ast.Expr) (path []string, ok bool) {
	switch e.Kind() {
	case ast.IdentKind:
		name := e.AsIdent()
		if short, ok := shortRoots[name]; ok {
			name = short
		}
		return []string{name}, true
	case ast.SelectKind:
		path, ok = Path(e.AsSelect().Operand())
		if !ok {
			return path, false
		}
		path = append(path, e.AsSelect().FieldName())
	case ast.CallKind:
		c := e.AsCall()
		if f := c.FunctionName(); (f != operators.Index && f != operators.OptSelect && f != operators.OptIndex) || len(c.Args()) != 2 {
			return nil, false
		}
		path, ok = Path(c.Args()[0])
		if !ok || c.Args()[1].Kind() != ast.LiteralKind {
			return path, false
		}
		key, isString := c.Args()[1].AsLiteral().(types.String)
		if !isString {
			return path, false
		}
		path = append(path, string(key))
	default:
		return nil, false
	}
	if ok && len(path) == 2 && path[0] == "request" {
		switch path[1] {
		case "principal":
			path = []string{"P"}
		case "resource":
			path = []string{"R"}
		}
	}
	return path, ok
}

var shortRoots = map[string]string{"variables": "V", "constants": "C", "globals": "G"}

// Within reports whether one path lies on the way to, at, or below the other.
func Within(a, b []string) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}
