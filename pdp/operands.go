package pdp

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// Operands lists what an expression reads, in the order of its text: attributes,
// variables, constants, globals, the principal's id and roles. Each stands in
// the text as it is listed.
func Operands(text string) []string {
	e, err := parseCEL(text)
	if err != nil {
		return nil
	}
	var list []string
	var walk func(ast.Expr)
	walk = func(e ast.Expr) {
		if path, ok := pathOf(e); ok {
			name := printCEL(e)
			if len(path) > 1 && slices.Contains(roots, path[0]) && strings.Contains(text, name) && !slices.Contains(list, name) {
				list = append(list, name)
			}
			return
		}
		for _, x := range children(e) {
			walk(x)
		}
	}
	walk(e)
	slices.SortFunc(list, func(a, b string) int { return strings.Index(text, a) - strings.Index(text, b) })
	return list
}

// roots are Cerbos's names for what an expression can read.
var roots = []string{"P", "R", "request", "V", "C", "G", "runtime"}

// A Comparison is left == right, or left in right, somewhere in an expression.
type Comparison struct {
	Left, Right string
	In          bool
}

// Comparisons lists the comparisons of an expression that can make it true:
// equality and membership, below && and || only.
func Comparisons(text string) []Comparison {
	e, err := parseCEL(text)
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
			list = append(list, Comparison{printCEL(c.Args()[0]), printCEL(c.Args()[1]), c.FunctionName() == operators.In})
		}
	}
	walk(e)
	return list
}
