package cel

import (
	"maps"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// presence is the paths that are there, wherever an expression comes to be
// looked at. Keys join the names, from the root on.
type presence map[string]bool

func isThere(path []string) presence { return presence{presenceKey(path): true} }

// presenceKey is the same for the two spellings of auxData.
func presenceKey(path []string) string {
	key := strings.Join(path, "\x00")
	if below, ok := strings.CutPrefix(key, "request\x00aux_data"); ok {
		return "request\x00auxData" + below
	}
	return key
}

func (f presence) and(g presence) presence {
	switch {
	case len(g) == 0:
		return f
	case len(f) == 0:
		return g
	}
	sum := maps.Clone(f)
	maps.Copy(sum, g)
	return sum
}

func (f presence) or(g presence) presence {
	common := presence{}
	for k := range f {
		if g[k] {
			common[k] = true
		}
	}
	return common
}

// conditionFacts returns what is there if the condition is met, and if it is
// not.
func (w *readWalker) conditionFacts(c *runtimev1.Condition) (whenTrue, whenFalse presence) {
	sum := func(of *runtimev1.Condition_ExprList, all bool) (whenTrue, whenFalse presence) {
		for i, x := range of.GetExpr() {
			t, f := w.conditionFacts(x)
			switch {
			case i == 0:
				whenTrue, whenFalse = t, f
			case all:
				whenTrue, whenFalse = whenTrue.and(t), whenFalse.or(f)
			default:
				whenTrue, whenFalse = whenTrue.or(t), whenFalse.and(f)
			}
		}
		return whenTrue, whenFalse
	}
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_All:
		return sum(op.All, true)
	case *runtimev1.Condition_Any:
		return sum(op.Any, false)
	case *runtimev1.Condition_None:
		met, unmet := sum(op.None, false)
		return unmet, met
	case *runtimev1.Condition_Expr:
		if e, err := expr.Parse(op.Expr.GetOriginal()); err == nil {
			return w.facts(e)
		}
	}
	return presence{}, presence{}
}

// facts returns what is there if an expression is true, and if it is false. It
// knows has() and "name in map"; what else would error says nothing about a
// tree, where an error is as good as false.
func (w *readWalker) facts(e ast.Expr) (whenTrue, whenFalse presence) {
	if w.exhausted() {
		return presence{}, presence{}
	}
	e = w.behind(e)
	if e.Kind() != ast.CallKind {
		return presence{}, presence{}
	}
	c := e.AsCall()
	args := c.Args()
	switch c.FunctionName() {
	case operators.Has:
		if path, ok := expr.Path(w.behind(args[0])); ok {
			return isThere(path), presence{}
		}
	case operators.In:
		if path, ok := expr.Path(w.behind(args[1])); ok {
			if key, ok := w.constant(args[0]); ok && key.text != "" {
				return isThere(append(path, key.text)), presence{}
			}
		}
	case operators.LogicalNot:
		t, f := w.facts(args[0])
		return f, t
	case operators.LogicalAnd, operators.LogicalOr:
		t, f := w.facts(args[0])
		u, g := w.facts(args[1])
		if c.FunctionName() == operators.LogicalAnd {
			return t.and(u), f.or(g)
		}
		return t.or(u), f.and(g)
	case operators.Conditional:
		t, f := w.facts(args[0])
		thenTrue, thenFalse := w.facts(args[1])
		elseTrue, elseFalse := w.facts(args[2])
		return t.and(thenTrue).or(f.and(elseTrue)), t.and(thenFalse).or(f.and(elseFalse))
	}
	return presence{}, presence{}
}
