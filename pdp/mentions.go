package pdp

import (
	"slices"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Mentioned is what an expression names of its policy's definitions.
type Mentioned struct {
	Variables, Constants []string
	Any                  bool // the text does not say which
	// Runtime is set if it looks at what the engine found out about the
	// request, such as the derived roles.
	Runtime bool
}

// Mentions lists the variables and constants that an expression names.
func Mentions(text string) Mentioned {
	var m Mentioned
	e, err := expr.Parse(text)
	if err != nil {
		return Mentioned{Any: true, Runtime: true}
	}
	note := func(list *[]string, path []string) {
		switch {
		case len(path) == 1:
			m.Any = true
		case !slices.Contains(*list, path[1]):
			*list = append(*list, path[1])
		}
	}
	var walk func(ast.Expr)
	walk = func(e ast.Expr) {
		path, exact := expr.Path(e)
		if len(path) > 1 || exact {
			switch path[0] {
			case "V":
				note(&m.Variables, path)
			case "C":
				note(&m.Constants, path)
			case "runtime":
				m.Runtime = true
			}
		}
		if exact {
			return
		}
		for _, x := range expr.Children(e) {
			if len(path) < 2 || !isPrefix(x, path) {
				walk(x)
			}
		}
	}
	walk(e)
	return m
}

// isPrefix reports whether e is the beginning of a path that was looked at.
func isPrefix(e ast.Expr, path []string) bool {
	p, _ := expr.Path(e)
	return len(p) > 1 && len(p) <= len(path) && slices.Equal(p, path[:len(p)])
}
