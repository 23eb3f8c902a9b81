package expr

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/parser"
)

// Expressions are parsed without expanding macros, so that has(x) and
// x.exists(v, p) stay the calls that their author wrote.

var fact = ast.NewExprFactory()

// parses are the trees of texts, which are parsed again and again: nothing changes a
// tree. What it holds is bounded, and more than the expressions of most policies.
var parses = struct {
	sync.Mutex
	of map[string]ast.Expr
}{of: map[string]ast.Expr{}}

const maxParses, maxParsedText = 1 << 13, 1 << 10

// Parse returns the tree of an expression, which is not to be changed: others may
// get the same one.
func Parse(text string) (ast.Expr, error) {
	parses.Lock()
	known := parses.of[text]
	parses.Unlock()
	if known != nil {
		return known, nil
	}
	e, err := parseAnew(text)
	if err == nil && len(text) <= maxParsedText {
		parses.Lock()
		if len(parses.of) >= maxParses {
			clear(parses.of)
		}
		parses.of[text] = e
		parses.Unlock()
	}
	return e, err
}

func parseAnew(text string) (ast.Expr, error) {
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

// Print returns the text of an expression, on one line.
func Print(e ast.Expr) string {
	text, err := parser.Unparse(printable(e), ast.NewSourceInfo(nil), parser.WrapOnColumn(math.MaxInt32))
	if err != nil {
		return "?" // only for a tree with nodes of no kind
	}
	return text
}

// printable rewrites what the unparser does not write as it reads: numbers that
// have no literal, fields that are no identifiers, and what is called on an
// operand with a sign.
func printable(e ast.Expr) ast.Expr {
	return Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		switch x.Kind() {
		case ast.LiteralKind:
			d, ok := x.AsLiteral().(types.Double)
			if !ok || !math.IsInf(float64(d), 0) && !math.IsNaN(float64(d)) {
				return nil, false
			}
			return fact.NewCall(0, "double", fact.NewLiteral(0, types.String(strconv.FormatFloat(float64(d), 'g', -1, 64)))), true
		case ast.SelectKind:
			s := x.AsSelect()
			if on := printable(guarded(s.Operand())); IsIdentifier(s.FieldName()) {
				return fact.NewSelect(0, on, s.FieldName()), true
			} else { //nolint:revive // on is of both
				return fact.NewCall(0, operators.Index, on, fact.NewLiteral(0, types.String(s.FieldName()))), true
			}
		case ast.CallKind:
			return printableCall(x.AsCall()), true
		case ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.IdentKind, ast.ListKind, ast.MapKind, ast.StructKind:
		}
		return nil, false
	})
}

func printableCall(c ast.CallExpr) ast.Expr {
	args := make([]ast.Expr, len(c.Args()))
	for i, a := range c.Args() {
		args[i] = printable(a)
	}
	name := c.FunctionName()
	if c.IsMemberFunction() {
		return fact.NewMemberCall(0, name, printable(guarded(c.Target())), args...)
	}
	switch name {
	case operators.Index, operators.OptIndex, operators.OptSelect:
		args[0] = guarded(args[0])
	case operators.Has:
		if len(args) == 1 && args[0].Kind() == ast.CallKind && args[0].AsCall().FunctionName() == operators.Index {
			of := args[0].AsCall().Args()
			return fact.NewCall(0, operators.In, of[1], of[0]) // has() takes a field only
		}
	}
	if name == operators.OptSelect {
		if field, ok := args[1].AsLiteral().(types.String); ok && !IsIdentifier(string(field)) {
			name = operators.OptIndex
		}
	}
	return fact.NewCall(0, name, args...)
}

// guarded keeps a sign with its operand when something is called on both.
func guarded(e ast.Expr) ast.Expr {
	signed := false
	switch e.Kind() { //nolint:exhaustive // nothing else has a sign
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.Int:
			signed = v < 0
		case types.Double:
			signed = math.Signbit(float64(v))
		}
	case ast.CallKind:
		name := e.AsCall().FunctionName()
		signed = name == operators.Negate || name == operators.LogicalNot
	}
	if !signed {
		return e
	}
	return fact.NewCall(0, "dyn", e)
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*$`)

// IsIdentifier reports whether a name may stand after a dot.
func IsIdentifier(name string) bool {
	return identifier.MatchString(name) && !slices.Contains([]string{"true", "false", "null", "in"}, name)
}

// binders are the macros whose first arguments name variables for the last
// ones, and with how many arguments they name how many.
var binders = map[string]map[int]int{
	"all": {2: 1, 3: 2}, "exists": {2: 1, 3: 2}, "exists_one": {2: 1, 3: 2}, "existsOne": {2: 1, 3: 2},
	"map": {2: 1, 3: 1}, "filter": {2: 1}, "bind": {3: 1}, "sortBy": {2: 1}, "optMap": {2: 1}, "optFlatMap": {2: 1},
	"transformList": {3: 2, 4: 2}, "transformMap": {3: 2, 4: 2}, "transformMapEntry": {3: 2, 4: 2},
}

// Bound returns the variables that a call binds in its arguments, which are
// its leading arguments.
func Bound(c ast.CallExpr) []string {
	if !c.IsMemberFunction() {
		return nil
	}
	var names []string
	for _, a := range c.Args()[:binders[c.FunctionName()][len(c.Args())]] {
		if a.Kind() != ast.IdentKind {
			return nil
		}
		names = append(names, a.AsIdent())
	}
	return names
}

// reserved are the names that no variable of a macro may have for what is
// printed to mean the same.
func reserved(name string) bool {
	return slices.Contains(roots, name) || slices.Contains(ShortNames(), name) || shortRoots[name] != "" ||
		strings.HasPrefix(name, "mcpolicy_") || strings.HasPrefix(name, "hole") || strings.HasPrefix(name, "kind_")
}

// Hygienic gives the variables of macros other names where they have a reserved
// one.
func Hygienic(e ast.Expr) ast.Expr {
	return Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if x.Kind() != ast.CallKind {
			return nil, false
		}
		c := x.AsCall()
		names := Bound(c)
		if !slices.ContainsFunc(names, reserved) {
			return nil, false
		}
		args := slices.Clone(c.Args())
		for i, name := range names {
			if !reserved(name) {
				continue
			}
			fresh := "v_" + name
			for Mentions(x, fresh) {
				fresh += "_"
			}
			args[i] = fact.NewIdent(0, fresh)
			for j := len(names); j < len(args); j++ {
				if c.FunctionName() != "bind" || j == len(args)-1 {
					args[j] = renamed(args[j], name, fresh)
				}
			}
		}
		return Hygienic(fact.NewMemberCall(0, c.FunctionName(), c.Target(), args...)), true
	})
}

// renamed gives a free name another.
func renamed(e ast.Expr, from, to string) ast.Expr {
	return Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		switch x.Kind() { //nolint:exhaustive // only these have names
		case ast.IdentKind:
			if x.AsIdent() == from {
				return fact.NewIdent(0, to), true
			}
		case ast.CallKind:
			c := x.AsCall()
			names := Bound(c)
			if !slices.Contains(names, from) {
				return nil, false
			}
			args := slices.Clone(c.Args())
			if c.FunctionName() == "bind" {
				args[1] = renamed(args[1], from, to)
			}
			return fact.NewMemberCall(0, c.FunctionName(), renamed(c.Target(), from, to), args...), true
		}
		return nil, false
	})
}

// Mentions reports whether a name stands anywhere in an expression.
func Mentions(e ast.Expr, name string) bool {
	return e.Kind() == ast.IdentKind && e.AsIdent() == name ||
		slices.ContainsFunc(Children(e), func(x ast.Expr) bool { return Mentions(x, name) })
}

// Children returns the direct parts of an expression.
func Children(e ast.Expr) []ast.Expr {
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

// Rewrite returns e with its parts replaced, from the outside in. What f
// returns is not looked into again.
func Rewrite(e ast.Expr, f func(ast.Expr) (ast.Expr, bool)) ast.Expr {
	if r, ok := f(e); ok {
		return r
	}
	all := func(list []ast.Expr) []ast.Expr {
		copied := make([]ast.Expr, len(list))
		for i, x := range list {
			copied[i] = Rewrite(x, f)
		}
		return copied
	}
	switch e.Kind() {
	case ast.SelectKind:
		s := e.AsSelect()
		if s.IsTestOnly() {
			return fact.NewPresenceTest(0, Rewrite(s.Operand(), f), s.FieldName())
		}
		return fact.NewSelect(0, Rewrite(s.Operand(), f), s.FieldName())
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			return fact.NewMemberCall(0, c.FunctionName(), Rewrite(c.Target(), f), all(c.Args())...)
		}
		return fact.NewCall(0, c.FunctionName(), all(c.Args())...)
	case ast.ListKind:
		return fact.NewList(0, all(e.AsList().Elements()), e.AsList().OptionalIndices())
	case ast.MapKind:
		var entries []ast.EntryExpr
		for _, entry := range e.AsMap().Entries() {
			m := entry.AsMapEntry()
			entries = append(entries, fact.NewMapEntry(0, Rewrite(m.Key(), f), Rewrite(m.Value(), f), m.IsOptional()))
		}
		return fact.NewMap(0, entries)
	case ast.StructKind:
		var fields []ast.EntryExpr
		for _, field := range e.AsStruct().Fields() {
			s := field.AsStructField()
			fields = append(fields, fact.NewStructField(0, s.Name(), Rewrite(s.Value(), f), s.IsOptional()))
		}
		return fact.NewStruct(0, e.AsStruct().TypeName(), fields)
	case ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.IdentKind, ast.LiteralKind:
	}
	return fact.CopyExpr(e)
}
