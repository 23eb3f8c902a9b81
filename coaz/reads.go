package coaz

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A Read is a place in the parameters or the token that an expression looks at.
type Read struct {
	Path []string // params arguments grams, or token groups
	// Needs is how many steps of the path have to be there for the expression not to
	// fail. Those from .? on need not, nor those that the expression asks about by has()
	// or in.
	Needs int
	// Always says that nothing else in the expression can make it go on without the read, as
	// a choice, && and || can.
	Always bool
}

// Argument returns the path below the arguments of a call, nil if the read is about
// something else.
func (r Read) Argument() []string { return r.below(paramsName, argumentsName) }

// Claim returns the path below the token, nil if the read is about something else.
func (r Read) Claim() []string { return r.below(tokenName) }

func (r Read) below(root ...string) []string {
	if len(r.Path) <= len(root) || !slices.Equal(r.Path[:len(root)], root) {
		return nil
	}
	return r.Path[len(root):]
}

// readsOf lists what an expression reads, in the order of its text.
func readsOf(text string) []Read {
	tree, err := expr.Parse(text)
	if err != nil {
		return nil // it does not compile either
	}
	var w readWalker
	w.walk(tree, nil, true)
	for i, r := range w.reads {
		for _, tested := range w.tested {
			if r.Needs >= len(tested) && slices.Equal(r.Path[:len(tested)], tested) {
				w.reads[i].Needs = min(w.reads[i].Needs, len(tested)-1)
			}
		}
	}
	return w.reads
}

type readWalker struct {
	reads  []Read
	tested [][]string // paths that the expression asks about
}

// walk goes through an expression. Bound are the variables of the macros around it.
func (w *readWalker) walk(e ast.Expr, bound []string, always bool) {
	if path, ok := expr.Path(e); ok {
		if isInput(path[0], bound) {
			w.reads = append(w.reads, Read{path, needed(e), always})
		}
		return
	}
	certain := len(expr.Children(e)) // how many of its parts are evaluated whatever they come to
	if e.Kind() == ast.CallKind {
		c := e.AsCall()
		if path := testedBy(c); path != nil && isInput(path[0], bound) {
			w.reads = append(w.reads, Read{path, len(path) - 1, always})
			w.tested = append(w.tested, path)
			return
		}
		names := expr.Bound(c)
		bound = append(slices.Clone(bound), names...)
		switch name := c.FunctionName(); {
		case name == operators.LogicalAnd, name == operators.LogicalOr:
			certain = 0
		case name == operators.Conditional, len(names) > 0, c.IsMemberFunction() && (name == "or" || name == "orValue"):
			certain = 1
		}
	}
	for i, x := range expr.Children(e) {
		w.walk(x, bound, always && i < certain)
	}
}

func isInput(name string, bound []string) bool {
	return (name == paramsName || name == tokenName) && !slices.Contains(bound, name)
}

// testedBy returns the path that a call asks about: has(a.b), or "b" in a.
func testedBy(c ast.CallExpr) []string {
	switch {
	case c.FunctionName() == operators.Has && len(c.Args()) == 1:
		if path, ok := expr.Path(c.Args()[0]); ok {
			return path
		}
	case c.FunctionName() == operators.In && len(c.Args()) == 2:
		path, ok := expr.Path(c.Args()[1])
		if c.Args()[0].Kind() != ast.LiteralKind || !ok {
			return nil
		}
		if name, isText := c.Args()[0].AsLiteral().(types.String); isText {
			return append(slices.Clone(path), string(name))
		}
	}
	return nil
}

// needed counts the leading steps of a path that have to be there.
func needed(e ast.Expr) int {
	switch e.Kind() {
	case ast.SelectKind:
		n, whole := steps(e.AsSelect().Operand())
		if whole {
			return n + 1
		}
		return n
	case ast.CallKind:
		n, whole := steps(e.AsCall().Args()[0])
		if whole && e.AsCall().FunctionName() == operators.Index {
			return n + 1
		}
		return n
	default:
		return 1
	}
}

// steps is needed, and whether that is all of the path.
func steps(e ast.Expr) (int, bool) {
	n := needed(e)
	path, _ := expr.Path(e)
	return n, n == len(path)
}
