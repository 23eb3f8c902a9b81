package cel

import (
	"regexp"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A typing finds out what the parts of an expression can come to.
type typing struct {
	unknown []string // where the arguments are, below R.attr; a map
	holes   []kinds  // of the seams
	bound   map[string]kinds
}

// with returns a typing in which names stand for values.
func (t *typing) with(names []string, of []kinds) *typing {
	inner := &typing{unknown: t.unknown, holes: t.holes, bound: map[string]kinds{}}
	for name, k := range t.bound {
		inner.bound[name] = k
	}
	for i, k := range of {
		inner.bound[names[i]] = k
	}
	return inner
}

// of returns what an expression can come to.
func (t *typing) of(e ast.Expr) kinds {
	if k, ok := t.path(e); ok {
		return k
	}
	switch e.Kind() {
	case ast.LiteralKind:
		return kindsOfLiteral(e)
	case ast.SelectKind:
		return t.selected(t.of(e.AsSelect().Operand()).only(anyKind &^ kindList))
	case ast.ListKind:
		return t.list(e.AsList())
	case ast.MapKind:
		k := kinds{set: kindMap}
		for _, entry := range e.AsMap().Entries() {
			m := entry.AsMapEntry()
			key, v := t.of(m.Key()), t.of(m.Value())
			if key.set == 0 || v.set == 0 {
				return kinds{}
			}
			k.inside |= v.set
			if m.IsOptional() {
				k.inside = anyKind
			}
		}
		return k
	case ast.StructKind:
		return kinds{kindOther, anyKind}
	case ast.CallKind:
		return t.call(e.AsCall())
	case ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.IdentKind:
	}
	return anything
}

func kindsOfLiteral(e ast.Expr) kinds {
	switch v := e.AsLiteral().(type) {
	case types.Bool:
		if v {
			return kinds{set: kindTrue}
		}
		return kinds{set: kindFalse}
	case types.Null:
		return kinds{set: kindNull}
	}
	for _, k := range kindTypes {
		if k.of.TypeName() == e.AsLiteral().Type().TypeName() {
			return kinds{set: k.set}
		}
	}
	return anything
}

func (t *typing) list(l ast.ListExpr) kinds {
	k := kinds{set: kindList}
	for _, x := range l.Elements() {
		of := t.of(x)
		if of.set == 0 {
			return kinds{}
		}
		k.inside |= of.set
	}
	if len(l.OptionalIndices()) > 0 {
		k.inside = anyKind
	}
	return k
}

// path returns what stands at a path from one of Cerbos's names.
func (t *typing) path(e ast.Expr) (kinds, bool) {
	path, ok := expr.Path(e)
	if !ok || expr.IsOptional(e) {
		return kinds{}, false
	}
	if k, ok := t.bound[path[0]]; ok {
		return k, len(path) == 1
	}
	switch root := path[0]; {
	case (root == "P" || root == "R") && len(path) == 2 && path[1] == "attr":
		return jsonMap, true
	case root == "R" && len(path) > 2 && path[1] == "attr" && len(t.unknown) > 0 && len(path)-2 <= len(t.unknown) && expr.Within(path[2:], t.unknown):
		return jsonMap, true
	case (root == "P" || root == "R") && len(path) > 2 && path[1] == "attr", (root == "C" || root == "G") && len(path) > 1:
		return jsonAny, true
	case root == "P" && len(path) == 2 && path[1] == "roles":
		return kinds{kindList, kindString}, true
	case (root == "P" || root == "R") && len(path) == 2:
		return kinds{set: kindString}, true
	}
	return anything, true
}

// selected returns what a field or an element of something can be.
func (t *typing) selected(of kinds) kinds {
	switch {
	case of.set&kindOther != 0:
		return anything
	case of.set&kindOptional != 0:
		return kinds{kindOptional | of.inside, anyKind}
	case of.set&(kindMap|kindList) != 0:
		return of.element()
	}
	return kinds{}
}

func (t *typing) call(c ast.CallExpr) kinds {
	args := c.Args()
	switch c.FunctionName() {
	case seam:
		if n := args[0].AsLiteral().(types.Int); n >= 0 {
			return t.holes[n]
		}
		return t.of(args[1])
	case operators.Has:
		if len(args) == 1 && args[0].Kind() == ast.SelectKind && !t.of(args[0].AsSelect().Operand()).can(kindMap|kindOptional|kindOther) {
			return kinds{}
		}
		return kinds{set: kindBool}
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional:
		return t.logical(c.FunctionName(), args)
	case operators.Equals, operators.NotEquals, operators.In:
		return t.relation(c.FunctionName(), t.of(args[0]), t.of(args[1]))
	case operators.OptSelect:
		return t.optionally(t.of(args[0]))
	case operators.Index, operators.OptIndex:
		on, by := t.of(args[0]), t.of(args[1])
		switch {
		case by.set == 0:
			return kinds{}
		case c.FunctionName() == operators.OptIndex:
			return t.optionally(on)
		case !by.can(numeric|kindOther) && !on.can(kindMap|kindOptional|kindOther):
			return kinds{} // lists take numbers
		case !by.can(anyKind &^ (kindList | kindMap)):
			return kinds{} // nothing takes these
		}
		return t.selected(on)
	case operators.Negate:
		if !t.of(args[0]).can(kindBool | numeric | kindDuration | kindOther) {
			return kinds{}
		}
		return anything
	}
	if k, ok := t.macro(c); ok {
		return k
	}
	return t.function(c)
}

// optionally is of .? and [?], which find nothing in what has no fields.
func (t *typing) optionally(of kinds) kinds {
	switch {
	case of.set == 0:
		return kinds{}
	case of.can(kindOptional | kindOther):
		return kinds{kindOptional, anyKind}
	}
	return kinds{kindOptional, of.inside}
}

// logical is of and, or, not and if, which mind no error that they can do
// without.
func (t *typing) logical(operator string, args []ast.Expr) kinds {
	a := t.of(args[0])
	var k kinds
	set := func(of kindSet, when bool) {
		if when {
			k.set |= of
		}
	}
	switch operator {
	case operators.LogicalNot:
		set(kindTrue, a.can(kindFalse))
		set(kindFalse, a.can(kindTrue))
	case operators.LogicalAnd:
		b := t.of(args[1])
		set(kindTrue, a.can(kindTrue) && b.can(kindTrue))
		set(kindFalse, a.can(kindFalse) || b.can(kindFalse))
	case operators.LogicalOr:
		b := t.of(args[1])
		set(kindTrue, a.can(kindTrue) || b.can(kindTrue))
		set(kindFalse, a.can(kindFalse) && b.can(kindFalse))
	default:
		if a.can(kindTrue) {
			k = k.or(t.of(args[1]))
		}
		if a.can(kindFalse) {
			k = k.or(t.of(args[2]))
		}
	}
	return k
}

// relation is of ==, != and in, which take all types: values of different ones
// are not equal, except for numbers.
func (t *typing) relation(operator string, a, b kinds) kinds {
	if operator == operators.In {
		list, isMap := b.can(kindList), b.can(kindMap|kindOther)
		switch {
		case !list && !isMap:
			return kinds{}
		case !isMap && !mayEqual(a.set, b.inside):
			return kinds{set: kindFalse} // and without an error where the list is empty
		}
		return kinds{set: kindBool}
	}
	switch {
	case a.set == 0 || b.set == 0:
		return kinds{}
	case mayEqual(a.set, b.set):
		return kinds{set: kindBool}
	case operator == operators.NotEquals:
		return kinds{set: kindTrue}
	}
	return kinds{set: kindFalse}
}

// mayEqual reports whether a value of one set may equal one of the other.
func mayEqual(a, b kindSet) bool {
	return a&b != 0 || a&numeric != 0 && b&numeric != 0 || (a|b)&kindOther != 0
}

// macro is of what binds variables.
func (t *typing) macro(c ast.CallExpr) (kinds, bool) {
	names := expr.Bound(c)
	if len(names) == 0 {
		return kinds{}, false
	}
	args := c.Args()
	body := args[len(args)-1]
	if c.FunctionName() == "bind" {
		return t.with(names, []kinds{t.of(args[1])}).of(body), true
	}
	over := t.of(c.Target())
	if strings.HasPrefix(c.FunctionName(), "opt") {
		if !over.can(kindOptional | kindOther) {
			return kinds{}, true
		}
		return kinds{kindOptional, anyKind}, true
	}
	if !over.can(kindList | kindMap | kindOther) {
		return kinds{}, true
	}
	first := anything
	switch {
	case over.set&^kindList == 0 && len(names) == 1:
		first = over.element()
	case over.set&^kindList == 0:
		first = kinds{set: kindInt}
	}
	of := t.with(names, []kinds{first})
	if len(names) == 2 {
		of = of.with(names[1:], []kinds{over.element()})
	}
	met := of.of(body)
	switch c.FunctionName() {
	case "all": // of nothing is true
		return kinds{set: kindTrue | met.set&kindFalse}, true
	case "exists", "exists_one", "existsOne": // of nothing is false
		return kinds{set: kindFalse | met.set&kindTrue}, true
	case "filter":
		return kinds{kindList, anyKind}, true
	case "map", "transformList":
		return kinds{kindList, met.set}, true
	case "transformMap", "transformMapEntry":
		return kinds{kindMap, anyKind}, true
	}
	return kinds{kindList, anyKind}, true
}

// function asks the type checker which kinds of operands a function takes, and
// what comes of them.
func (t *typing) function(c ast.CallExpr) kinds {
	operands := c.Args()
	name := c.FunctionName()
	if c.IsMemberFunction() {
		if path, ok := expr.Path(c.Target()); ok && t.isNamespace(path[0]) {
			name = strings.Join(path, ".") + "." + name
		} else {
			operands = append([]ast.Expr{c.Target()}, operands...)
			name = "." + name
		}
	}
	sets := make([]kindSet, len(operands))
	for i, x := range operands {
		sets[i] = t.of(x).set
		if sets[i] == 0 && (i == 0 || name != ".or" && name != ".orValue") {
			return kinds{} // all other functions want all operands
		}
	}
	switch name {
	case "dyn", "id":
		if len(operands) == 1 {
			return t.of(operands[0])
		}
	case ".id":
		if len(operands) == 1 {
			return t.of(operands[0]).or(kinds{set: kindString})
		}
	case ".or", ".orValue":
		if len(operands) == 2 {
			return t.alternative(t.of(operands[0]), t.of(operands[1]), name == ".orValue")
		}
	case ".matches", "matches":
		if len(operands) == 2 && isBrokenPattern(operands[1]) {
			return kinds{}
		}
	}
	return applied(name, sets)
}

// alternative is of or and orValue, which do not look at what they do not need.
func (t *typing) alternative(of, other kinds, value bool) kinds {
	switch {
	case !of.can(kindOptional | kindOther):
		return kinds{}
	case !value || of.can(kindOther):
		return anything
	}
	return of.element().or(other)
}

// isBrokenPattern reports whether an expression is a text that is no regular
// expression.
func isBrokenPattern(e ast.Expr) bool {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == seam {
		return isBrokenPattern(e.AsCall().Args()[1])
	}
	if e.Kind() != ast.LiteralKind {
		return false
	}
	text, ok := e.AsLiteral().(types.String)
	if !ok {
		return false
	}
	_, err := regexp.Compile(string(text))
	return err != nil
}

// isNamespace reports whether a name is no variable, but the beginning of a
// function's name.
func (t *typing) isNamespace(name string) bool {
	_, ok := t.bound[name]
	return !ok && !expr.IsRoot(name)
}
