package pdp

import (
	"slices"
	"strconv"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"google.golang.org/protobuf/types/known/structpb"
)

// parts is a leaf taken apart at what is unknown: a tree of and, or and not
// over closed parts, which the engine can evaluate, and open ones.
type parts struct {
	root     *part
	evaluate []string // the expressions to evaluate, in the order of their numbers
}

type partOp uint8

const (
	opClosed partOp = iota // evaluate[number] is a boolean
	opOpen                 // expr is open, with holes where closed values go
	opAnd
	opOr
	opNot
	opIf // of[0], which is closed, chooses between of[1] and of[2]
)

type part struct {
	op     partOp
	of     []*part
	number int
	expr   ast.Expr
	holes  []hole
}

// A hole is a place in an open expression for a value that is known once the
// principal is.
type hole struct {
	name   string // of the variable that stands there
	number int
	source ast.Expr // what to print if the value has no literal
	// strict says that the whole expression errors if the hole does.
	strict bool
	// compared says that numbers are only compared here, so that 5 will do
	// for 5.0.
	compared bool
}

// openness knows which names are unknown.
type openness struct {
	unknown     []string // below R.attr
	principal   bool     // the principal is unknown but for its roles, scope and policy version
	runtimeOpen bool     // the derived roles depend on what is unknown
	variables   map[string]string
	constants   map[string]*structpb.Value
}

// takeApart analyses a leaf. An expression that cannot be parsed here is open
// as a whole: it is printed as it stands.
func takeApart(text string, o *openness) *parts {
	e, err := parseCEL(text)
	if err != nil {
		return &parts{root: &part{op: opOpen, expr: fact.NewIdent(0, text)}}
	}
	p := &parts{}
	p.root = p.build(e, o)
	return p
}

func (p *parts) build(e ast.Expr, o *openness) *part {
	if !o.isOpen(e, nil) {
		return &part{op: opClosed, number: p.closed(printCEL(e))}
	}
	if definition, ok := o.variable(e); ok {
		return p.build(definition, o)
	}
	if e.Kind() == ast.CallKind {
		c := e.AsCall()
		switch c.FunctionName() {
		case operators.LogicalAnd:
			return &part{op: opAnd, of: p.all(c.Args(), o)}
		case operators.LogicalOr:
			return &part{op: opOr, of: p.all(c.Args(), o)}
		case operators.LogicalNot:
			return &part{op: opNot, of: p.all(c.Args(), o)}
		case operators.Conditional:
			if !o.isOpen(c.Args()[0], nil) {
				return &part{op: opIf, of: p.all(c.Args(), o)}
			}
		}
	}
	open := &part{op: opOpen}
	open.expr = p.punch(e, o, open, nil, true, false)
	return open
}

func (p *parts) all(list []ast.Expr, o *openness) []*part {
	of := make([]*part, len(list))
	for i, e := range list {
		of[i] = p.build(e, o)
	}
	return of
}

func (p *parts) closed(text string) int {
	if i := slices.Index(p.evaluate, text); i >= 0 {
		return i
	}
	p.evaluate = append(p.evaluate, text)
	return len(p.evaluate) - 1
}

// punch replaces the largest closed parts of an open expression by holes.
func (p *parts) punch(e ast.Expr, o *openness, into *part, vars []string, strict, compared bool) ast.Expr {
	if !o.isOpen(e, vars) {
		if isLiteral(e) || e.Kind() == ast.IdentKind {
			return fact.CopyExpr(e)
		}
		h := hole{number: p.closed(valueWithKind(printCEL(e))), source: o.inline(e), strict: strict, compared: compared}
		h.name = "hole" + strconv.Itoa(len(into.holes))
		into.holes = append(into.holes, h)
		return fact.NewIdent(0, h.name)
	}
	if definition, ok := o.variable(e); ok {
		return p.punch(definition, o, into, vars, strict, compared)
	}
	if e.Kind() != ast.CallKind {
		return rewriteChildren(e, func(x ast.Expr) ast.Expr { return p.punch(x, o, into, vars, strict, false) })
	}
	c := e.AsCall()
	switch c.FunctionName() {
	case operators.Has:
		return fact.CopyExpr(e)
	case operators.LogicalAnd, operators.LogicalOr, operators.Conditional:
		strict = false
	}
	compared = slices.Contains(comparisons, c.FunctionName())
	names := bound(c)
	inner := append(slices.Clone(vars), names...)
	args := make([]ast.Expr, len(c.Args()))
	for i, a := range c.Args() {
		if i < len(names) {
			args[i] = fact.CopyExpr(a)
			continue
		}
		args[i] = p.punch(a, o, into, inner, strict && len(names) == 0, compared)
	}
	if c.IsMemberFunction() {
		return fact.NewMemberCall(0, c.FunctionName(), p.punch(c.Target(), o, into, vars, strict, false), args...)
	}
	return fact.NewCall(0, c.FunctionName(), args...)
}

var comparisons = []string{
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals,
	operators.Greater, operators.GreaterEquals, operators.In,
}

// rewriteChildren rebuilds e from f of each of its direct parts.
func rewriteChildren(e ast.Expr, f func(ast.Expr) ast.Expr) ast.Expr {
	self := true
	return rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if self {
			self = false
			return nil, false
		}
		return f(x), true
	})
}

func isLiteral(e ast.Expr) bool {
	if e.Kind() == ast.ListKind {
		return !slices.ContainsFunc(e.AsList().Elements(), func(x ast.Expr) bool { return !isLiteral(x) })
	}
	return e.Kind() == ast.LiteralKind
}

// isOpen reports whether e depends on what is unknown, or on one of vars.
func (o *openness) isOpen(e ast.Expr, vars []string) bool {
	if path, ok := pathOf(e); ok {
		if len(vars) > 0 && slices.Contains(vars, path[0]) {
			return true
		}
		return o.isOpenPath(path)
	}
	if e.Kind() == ast.CallKind {
		if names := bound(e.AsCall()); len(names) > 0 {
			// A variable of its own is no reason to be open.
			vars = slices.DeleteFunc(slices.Clone(vars), func(v string) bool { return slices.Contains(names, v) })
		}
	}
	return slices.ContainsFunc(children(e), func(x ast.Expr) bool { return o.isOpen(x, vars) })
}

func (o *openness) isOpenPath(path []string) bool {
	switch path[0] {
	case "P":
		return o.principal && (len(path) == 1 || path[1] != "scope" && path[1] != "policyVersion")
	case "R":
		if o.unknown == nil || len(path) > 1 && path[1] != "attr" {
			return false
		}
		return len(path) == 1 || within(path[2:], o.unknown)
	case "request":
		return len(path) == 1 && o.unknown != nil || o.principal
	case "runtime":
		return o.runtimeOpen
	case "V":
		if len(path) == 1 {
			return len(o.variables) > 0
		}
		definition, ok := o.variables[path[1]]
		if !ok {
			return false
		}
		e, err := parseCEL(definition)
		return err != nil || o.isOpen(e, nil)
	}
	return false
}

// within reports whether one path lies on the way to, at, or below the other.
func within(path, unknown []string) bool {
	n := min(len(path), len(unknown))
	return slices.Equal(path[:n], unknown[:n])
}

// variable returns the definition of the policy variable that e names, to
// stand in its place.
func (o *openness) variable(e ast.Expr) (ast.Expr, bool) {
	path, ok := pathOf(e)
	if !ok || len(path) != 2 || path[0] != "V" {
		return nil, false
	}
	definition, ok := o.variables[path[1]]
	if !ok {
		return nil, false
	}
	parsed, err := parseCEL(definition)
	return parsed, err == nil
}

// inline replaces the policy's variables and constants by what they stand for.
func (o *openness) inline(e ast.Expr) ast.Expr {
	return rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if definition, ok := o.variable(x); ok {
			return o.inline(definition), true
		}
		path, ok := pathOf(x)
		if !ok || len(path) != 2 || path[0] != "C" {
			return nil, false
		}
		switch v := o.constants[path[1]]; v.GetKind().(type) {
		case *structpb.Value_StringValue, *structpb.Value_NumberValue, *structpb.Value_BoolValue:
			return scalar(v, false), true
		}
		return nil, false
	})
}

// valueWithKind is an expression that evaluates to the value of another and to
// a letter for its type, or to the letter ? if the type has no literal.
func valueWithKind(text string) string {
	const element = `type(dyn(mcpolicy_e)) == string || type(dyn(mcpolicy_e)) == double || type(dyn(mcpolicy_e)) == bool`
	return `cel.bind(mcpolicy_v, dyn(` + text + `), cel.bind(mcpolicy_k,
type(mcpolicy_v) == string ? "s" : type(mcpolicy_v) == bool ? "b" : type(mcpolicy_v) == double ? "d" :
type(mcpolicy_v) == int ? "i" : type(mcpolicy_v) == null_type ? "n" :
type(mcpolicy_v) == list && mcpolicy_v.all(mcpolicy_e, ` + element + `) ? "l" : "?",
{"k": mcpolicy_k, "v": mcpolicy_k == "?" ? dyn(null) : mcpolicy_v}))`
}
