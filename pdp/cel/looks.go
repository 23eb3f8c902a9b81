package cel

import (
	"slices"
	"strconv"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Looks lists what an expression looks at that sees some definitions and globals.
func Looks(text string, params *runtimev1.RuleTable_RuleRow_Params, globals map[string]any) []pdp.Look {
	l := &lookFinder{definitions: definitionsOf(params), globals: globals, expanded: map[string]bool{}}
	if parsed, err := expr.Parse(text); err == nil {
		l.walk(parsed, nil)
	}
	return l.list
}

// A lookFinder collects what an expression looks at.
type lookFinder struct {
	*definitions
	globals  map[string]any
	expanded map[string]bool // variables
	list     []pdp.Look
}

func (l *lookFinder) walk(e ast.Expr, names []string) {
	if path, ok := expr.Path(e); ok {
		if !slices.Contains(names, path[0]) {
			l.look(e, path)
		}
		return
	}
	if e.Kind() != ast.CallKind {
		for _, x := range expr.Children(e) {
			l.walk(x, names)
		}
		return
	}
	c := e.AsCall()
	if c.FunctionName() == "now" && !c.IsMemberFunction() {
		l.add(pdp.Look{Name: "now()", Clock: true})
	}
	if c.IsMemberFunction() {
		l.walk(c.Target(), names)
	}
	own := expr.Bound(c)
	inner := append(slices.Clone(names), own...)
	for i, a := range c.Args()[len(own):] {
		if c.FunctionName() == "bind" && i == 0 {
			l.walk(a, names)
			continue
		}
		l.walk(a, inner)
	}
}

func (l *lookFinder) look(e ast.Expr, path []string) {
	if len(path) < 2 {
		return
	}
	look := pdp.Look{Name: spelled(stepsOf(e)), Path: path}
	switch path[0] {
	case "V":
		if definition := l.named(path[1]); definition != nil && !l.expanded[path[1]] {
			l.expanded[path[1]] = true
			l.walk(definition, nil)
		}
		return
	case "C":
		c := l.constant(path[1])
		if c == nil {
			return
		}
		look.Fixed = pdp.ValueAt(c.AsInterface(), path[2:])
	case "G":
		look.Fixed = pdp.ValueAt(l.globals, path[1:])
	case "P", "R", "request":
	default:
		return
	}
	l.add(look)
}

func (l *lookFinder) add(look pdp.Look) {
	if !slices.ContainsFunc(l.list, func(known pdp.Look) bool { return known.Name == look.Name }) {
		l.list = append(l.list, look)
	}
}

// stepsOf returns the names of a chain of selections as they are written.
func stepsOf(e ast.Expr) []string {
	switch e.Kind() { //nolint:exhaustive // of a path
	case ast.IdentKind:
		return []string{e.AsIdent()}
	case ast.SelectKind:
		return append(stepsOf(e.AsSelect().Operand()), e.AsSelect().FieldName())
	}
	args := e.AsCall().Args()
	name, _ := args[1].AsLiteral().(types.String)
	return append(stepsOf(args[0]), string(name))
}

// spelled writes a path as CEL.
func spelled(steps []string) string {
	var b strings.Builder
	b.WriteString(steps[0])
	for _, name := range steps[1:] {
		if expr.IsIdentifier(name) {
			b.WriteString("." + name)
		} else {
			b.WriteString("[" + strconv.Quote(name) + "]")
		}
	}
	return b.String()
}
