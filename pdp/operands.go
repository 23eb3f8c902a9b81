package pdp

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// An Operand is something that an expression reads.
type Operand struct {
	Text string // as it stands in the expression
	Name string // as conditions spell it: arguments.region
	Open bool   // it depends on what the request leaves open
}

// Operands lists what an expression reads, in the order of its text: attributes,
// variables, constants, globals, the principal's id and roles. It reports
// whether the expression reads anything that the request leaves open.
func (e *Engine) Operands(r *authz.Request, text string) (list []Operand, open bool) {
	parsed, err := expr.Parse(text)
	if err != nil {
		return nil, r.Unknown != nil
	}
	o := &openness{unknown: r.Unknown}
	o.runtimeOpen = r.Unknown != nil && e.derivedRolesOpen(o)
	return o.operands(parsed, text)
}

// operands lists what an expression, of a text, reads, and reports whether it is open.
func (o *openness) operands(parsed ast.Expr, text string) (list []Operand, open bool) {
	var walk func(ast.Expr)
	walk = func(x ast.Expr) {
		if path, ok := expr.Path(x); ok {
			name := expr.Print(x)
			known := slices.ContainsFunc(list, func(known Operand) bool { return known.Text == name })
			if len(path) > 1 && expr.IsRoot(path[0]) && strings.Contains(text, name) && !known {
				list = append(list, Operand{Text: name, Name: expr.Print(expr.Shorten(x, o.unknown)), Open: o.isOpenPath(path)})
			}
			return
		}
		for _, x := range expr.Children(x) {
			walk(x)
		}
	}
	walk(parsed)
	slices.SortStableFunc(list, func(a, b Operand) int { return strings.Index(text, a.Text) - strings.Index(text, b.Text) })
	return list, o.isOpen(parsed, nil)
}

// A Comparison is left == right, or left in right, somewhere in an expression.
type Comparison struct {
	Left, Right string
	In          bool
}

// Comparisons lists the comparisons of an expression that can make it true:
// equality and membership, below && and || only.
func Comparisons(text string) []Comparison {
	e, err := expr.Parse(text)
	if err != nil {
		return nil
	}
	var list []Comparison
	var walk func(ast.Expr)
	walk = func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		c := e.AsCall()
		switch c.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr:
			for _, a := range c.Args() {
				walk(a)
			}
		case operators.Equals, operators.In:
			list = append(list, Comparison{expr.Print(c.Args()[0]), expr.Print(c.Args()[1]), c.FunctionName() == operators.In})
		}
	}
	walk(e)
	return list
}
