package pdp

import (
	"errors"
	"math"
	"slices"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/parser"
)

// Expressions are parsed without expanding macros, so that has(x) and
// x.exists(v, p) stay the calls that their author wrote.

var fact = ast.NewExprFactory()

func parseCEL(text string) (ast.Expr, error) {
	p, err := parser.NewParser(parser.Macros(), parser.EnableOptionalSyntax(true), parser.EnableIdentEscapeSyntax(true))
	if err != nil {
		return nil, err
	}
	parsed, errs := p.Parse(common.NewTextSource(text))
	if len(errs.GetErrors()) > 0 {
		return nil, errors.New(errs.ToDisplayString())
	}
	return parsed.Expr(), nil
}

func printCEL(e ast.Expr) string {
	text, err := parser.Unparse(e, ast.NewSourceInfo(nil), parser.WrapOnColumn(math.MaxInt32))
	if err != nil {
		return "?" // only for a tree with nodes of no kind
	}
	return text
}

// binders are the macros whose first argument names a variable for the others.
var binders = []string{
	"all", "exists", "exists_one", "existsOne", "map", "filter", "bind", "sortBy",
	"transformList", "transformMap", "transformMapEntry", "optMap", "optFlatMap",
}

// bound returns the variables that a call binds in its arguments, which are
// its leading arguments that are plain names.
func bound(c ast.CallExpr) []string {
	if !c.IsMemberFunction() || !slices.Contains(binders, c.FunctionName()) {
		return nil
	}
	var names []string
	for _, a := range c.Args()[:max(0, len(c.Args())-1)] {
		if a.Kind() != ast.IdentKind {
			break
		}
		names = append(names, a.AsIdent())
	}
	return names
}

// pathOf returns the names of a chain of selections from a variable, with
// Cerbos's long names shortened: request.principal.attr.x is P attr x. It is
// ok if every step has a name that is known from the text; otherwise the path
// ends before the first that has not.
func pathOf(e ast.Expr) (path []string, ok bool) {
	switch e.Kind() {
	case ast.IdentKind:
		name := e.AsIdent()
		if short, ok := shortRoots[name]; ok {
			name = short
		}
		return []string{name}, true
	case ast.SelectKind:
		path, ok = pathOf(e.AsSelect().Operand())
		if !ok {
			return path, false
		}
		path = append(path, e.AsSelect().FieldName())
	case ast.CallKind:
		c := e.AsCall()
		if f := c.FunctionName(); (f != operators.Index && f != operators.OptSelect && f != operators.OptIndex) || len(c.Args()) != 2 {
			return nil, false
		}
		path, ok = pathOf(c.Args()[0])
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

// children returns the direct parts of an expression.
func children(e ast.Expr) []ast.Expr {
	var list []ast.Expr
	switch e.Kind() {
	case ast.SelectKind:
		list = append(list, e.AsSelect().Operand())
	case ast.CallKind:
		if c := e.AsCall(); c.IsMemberFunction() {
			list = append(list, c.Target())
		}
		list = append(list, e.AsCall().Args()...)
	case ast.ListKind:
		list = append(list, e.AsList().Elements()...)
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			list = append(list, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
	case ast.StructKind:
		for _, entry := range e.AsStruct().Fields() {
			list = append(list, entry.AsStructField().Value())
		}
	case ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.IdentKind, ast.LiteralKind:
	}
	return list
}

// rewrite returns e with its parts replaced, from the outside in. What f
// returns is not looked into again.
func rewrite(e ast.Expr, f func(ast.Expr) (ast.Expr, bool)) ast.Expr {
	if r, ok := f(e); ok {
		return r
	}
	all := func(list []ast.Expr) []ast.Expr {
		copied := make([]ast.Expr, len(list))
		for i, x := range list {
			copied[i] = rewrite(x, f)
		}
		return copied
	}
	switch e.Kind() {
	case ast.SelectKind:
		s := e.AsSelect()
		if s.IsTestOnly() {
			return fact.NewPresenceTest(0, rewrite(s.Operand(), f), s.FieldName())
		}
		return fact.NewSelect(0, rewrite(s.Operand(), f), s.FieldName())
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			return fact.NewMemberCall(0, c.FunctionName(), rewrite(c.Target(), f), all(c.Args())...)
		}
		return fact.NewCall(0, c.FunctionName(), all(c.Args())...)
	case ast.ListKind:
		return fact.NewList(0, all(e.AsList().Elements()), e.AsList().OptionalIndices())
	case ast.MapKind:
		var entries []ast.EntryExpr
		for _, entry := range e.AsMap().Entries() {
			m := entry.AsMapEntry()
			entries = append(entries, fact.NewMapEntry(0, rewrite(m.Key(), f), rewrite(m.Value(), f), m.IsOptional()))
		}
		return fact.NewMap(0, entries)
	case ast.StructKind:
		var fields []ast.EntryExpr
		for _, field := range e.AsStruct().Fields() {
			s := field.AsStructField()
			fields = append(fields, fact.NewStructField(0, s.Name(), rewrite(s.Value(), f), s.IsOptional()))
		}
		return fact.NewStruct(0, e.AsStruct().TypeName(), fields)
	case ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.IdentKind, ast.LiteralKind:
	}
	return fact.CopyExpr(e)
}
