package cel

import (
	"slices"
	"sync"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Openness knows which names are unknown, to expressions of one policy if it is made by
// With.
type Openness struct {
	Unknown     []string // below R.attr
	Principal   bool     // the principal is unknown but for its roles, scope and policy version
	Clock       bool     // what time it is is unknown
	RuntimeOpen bool     // the derived roles depend on what is unknown
	Globals     map[string]any
	Making      *expr.Making // of what is open; nil for nothing
	*definitions
	open map[string]bool // of variables: what IsOpen came to
}

// With returns what is unknown to expressions of a policy that see some variables and
// constants.
func (o *Openness) With(list []*runtimev1.Variable, constants map[string]*structpb.Value) *Openness {
	of := *o
	of.definitions, of.open = newDefinitions(o.Making.Texts(variables(list)), constants), nil
	return &of
}

// IsOpen reports whether e depends on what is unknown, or on one of vars.
func (o *Openness) IsOpen(e ast.Expr, vars []string) bool {
	if path, ok := expr.Path(e); ok {
		if len(vars) > 0 && slices.Contains(vars, path[0]) {
			return true
		}
		return o.isOpenPath(path)
	}
	if e.Kind() == ast.CallKind {
		if o.isSettled(e.AsCall(), vars) {
			return false
		}
		if o.Clock && looksAtClock(e.AsCall()) {
			return true
		}
		if names := expr.Bound(e.AsCall()); len(names) > 0 {
			return o.isMacroOpen(e.AsCall(), names, vars)
		}
	}
	return slices.ContainsFunc(expr.Children(e), func(x ast.Expr) bool { return o.IsOpen(x, vars) })
}

// looksAtClock reports whether a call's value depends on what time it is.
func looksAtClock(c ast.CallExpr) bool {
	name := c.FunctionName()
	return name == "now" && len(c.Args()) == 0 || name == "timeSince"
}

// isMacroOpen is IsOpen of what binds variables: one of its own is no reason to
// be open where it is bound.
func (o *Openness) isMacroOpen(c ast.CallExpr, names, vars []string) bool {
	inner := slices.DeleteFunc(slices.Clone(vars), func(v string) bool { return slices.Contains(names, v) })
	for i, a := range c.Args() {
		if i < len(names) {
			continue
		}
		of := inner
		if c.FunctionName() == "bind" && i < len(c.Args())-1 {
			of = vars
		}
		if o.IsOpen(a, of) {
			return true
		}
	}
	return o.IsOpen(c.Target(), vars)
}

func (o *Openness) isOpenPath(path []string) bool {
	switch path[0] {
	case "P":
		return o.Principal && (len(path) == 1 || path[1] != "scope" && path[1] != "policyVersion")
	case "R":
		if len(path) > 1 && o.Making.Touches(path[1:]) {
			return true
		}
		if o.Unknown == nil || len(path) > 1 && path[1] != "attr" {
			return false
		}
		return len(path) == 1 || expr.Within(path[2:], o.Unknown)
	case "request":
		return len(path) == 1 && o.Unknown != nil || o.Principal
	case "runtime":
		return o.RuntimeOpen
	case "V":
		if len(path) == 1 {
			return o.definitions != nil && len(o.of) > 0
		}
		return o.isOpenVariable(path[1])
	}
	return false
}

func (o *Openness) isOpenVariable(name string) bool {
	if o.definitions == nil || o.of[name] == nil {
		return false
	}
	open, known := o.open[name]
	if !known {
		e := o.named(name)
		open = e == nil || o.IsOpen(e, nil)
		if o.open == nil {
			o.open = map[string]bool{}
		}
		o.open[name] = open
	}
	return open
}

var optionals sync.Map // whether an expression is an optional, by its text

func isOptionalType(text string) bool {
	if known, ok := optionals.Load(text); ok {
		return known.(bool)
	}
	t := staticType(text)
	optional := t != nil && isOptionalKind(t)
	optionals.Store(text, optional)
	return optional
}
