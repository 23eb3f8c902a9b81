package cel

import (
	"slices"
	"strconv"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Parts is a leaf taken apart at what is unknown: a tree of and, or and not
// over closed parts, which the engine can evaluate, and open ones.
type Parts struct {
	root     *piece
	Evaluate []string // the expressions to evaluate, in the order of their numbers
	unknown  []string // below R.attr
}

type partOp uint8

const (
	opClosed partOp = iota // evaluate[number] is a boolean
	opOpen                 // expr is open, with holes where closed values go
	opAnd
	opOr
	opNot
	opIf      // of[0], which is closed, chooses between of[1] and of[2]
	opDefined // expr, which is open, has a value
)

type piece struct {
	op partOp
	of []*piece
	// root says that the value of the part is that of the whole leaf, of which
	// the engine takes everything but true for false.
	root   bool
	number int
	expr   ast.Expr
	holes  []hole
	named  ast.Expr // has() of the variable, where that is what expr is about
}

// A hole is a place in an open expression for a value that is known once the
// principal is.
type hole struct {
	name   string // of the variable that stands there
	number int
	source ast.Expr // what to print if the value has no literal; may have holes of lower numbers
	// strict says that the whole expression errors if the hole does.
	strict bool
	// compared says that numbers are only compared here, so that 5 will do
	// for 5.0.
	compared bool
	// json says that the value comes from JSON, named that its source is over
	// attributes alone, which keep their names where a literal says no more.
	json, named bool
	plain       bool // the value is evaluated as it is: its JSON tells its kind
	index       bool // it stands in brackets
}

// seam marks where something of another type may have been put in: a value, by
// the number of its hole, or what a policy variable stands for, by -1. The type
// checker knew nothing about what stood there before.
const seam = "@seam"

func newSeam(number int, e ast.Expr) ast.Expr {
	return fact.NewCall(0, seam, fact.NewLiteral(0, types.Int(number)), e)
}

// TakeApart analyses a leaf. An expression that cannot be parsed here is open
// as a whole: it is printed as it stands. So is one that would not end if what
// its variables stand for were put in.
func (o *Openness) TakeApart(text string) *Parts {
	e, err := parseHygienic(text)
	if err != nil {
		return &Parts{root: &piece{op: opOpen, root: true, expr: fact.NewIdent(0, text)}}
	}
	return o.TakeExprApart(e)
}

// TakeExprApart is TakeApart of what is parsed.
func (o *Openness) TakeExprApart(e ast.Expr) *Parts {
	p := &Parts{unknown: o.Unknown}
	if o.IsOpen(e, nil) && !o.fits(e) {
		p.root = &piece{op: opOpen, root: true, expr: e}
		return p
	}
	p.root = p.build(e, o, true)
	return p
}

func parseHygienic(text string) (ast.Expr, error) {
	e, err := expr.Parse(text)
	if err != nil {
		return nil, err
	}
	return expr.Hygienic(e), nil
}

func (p *Parts) build(e ast.Expr, o *Openness, root bool) *piece {
	if !o.IsOpen(e, nil) {
		return &piece{op: opClosed, root: root, number: p.closed(closedText(e))}
	}
	if definition, ok := o.variable(e); ok {
		return p.build(definition, o, root)
	}
	if e.Kind() == ast.CallKind {
		c := e.AsCall()
		switch c.FunctionName() {
		case operators.LogicalAnd:
			return &piece{op: opAnd, of: p.all(c.Args(), o, false)}
		case operators.LogicalOr:
			return &piece{op: opOr, of: p.all(c.Args(), o, false)}
		case operators.LogicalNot:
			return &piece{op: opNot, of: p.all(c.Args(), o, false)}
		case operators.Conditional:
			if !o.IsOpen(c.Args()[0], nil) {
				of := p.all(c.Args(), o, root)
				of[0].root = false
				return &piece{op: opIf, of: of}
			}
		case operators.Has:
			if definition, ok := o.defined(c); ok {
				n := &piece{op: opDefined, named: e}
				n.expr = p.punch(definition, o, n, nil, true, false)
				return n
			}
		case seam:
			return p.build(c.Args()[1], o, root)
		}
	}
	open := &piece{op: opOpen, root: root}
	open.expr = p.punch(e, o, open, nil, true, false)
	return open
}

func (p *Parts) all(list []ast.Expr, o *Openness, root bool) []*piece {
	of := make([]*piece, len(list))
	for i, e := range list {
		of[i] = p.build(e, o, root)
	}
	return of
}

// closedText is what the engine evaluates of a closed expression.
func closedText(e ast.Expr) string {
	return expr.Print(unseamed(e, func(int) bool { return true }))
}

func (p *Parts) closed(text string) int {
	if i := slices.Index(p.Evaluate, text); i >= 0 {
		return i
	}
	p.Evaluate = append(p.Evaluate, text)
	return len(p.Evaluate) - 1
}

// hole makes a hole for a closed expression.
func (p *Parts) hole(e ast.Expr, o *Openness, into *piece, strict, compared bool) ast.Expr {
	h := hole{strict: strict, compared: compared, source: o.spelt(e), named: true}
	if path, ok := expr.Path(e); ok {
		h.json = len(path) > 1 && path[1] == "attr" || slices.Contains([]string{"C", "G", "request"}, path[0])
	}
	h.named = !readsNameless(h.source)
	if !h.named && e.Kind() == ast.CallKind && len(e.AsCall().Args()) > 0 {
		// If it has no literal, its operands may have one.
		h.source = p.punchCall(e.AsCall(), o, into, nil, strict, false)
	} else if h.named {
		h.source = p.punchOwn(e, h.source, o, into)
	}
	if h.plain = isFromJSON(e); h.plain {
		h.number = p.closed(closedText(e))
	} else {
		h.number = p.closed(valueWithKind(closedText(e), h.whole()))
	}
	h.name = "hole" + strconv.Itoa(len(into.holes))
	into.holes = append(into.holes, h)
	return fact.NewIdent(0, h.name)
}

// punchOwn replaces who the principal is, and its roles, inside of what may be printed
// instead of a value: they have literals, whatever the value is.
func (p *Parts) punchOwn(of, source ast.Expr, o *Openness, into *piece) ast.Expr {
	if isOwn(of) {
		return source
	}
	return expr.Rewrite(source, func(x ast.Expr) (ast.Expr, bool) {
		if !isOwn(x) {
			return nil, false
		}
		return p.hole(x, o, into, false, false), true
	})
}

// isOwn reports whether an expression is the principal's id, or its roles.
func isOwn(e ast.Expr) bool {
	path, ok := expr.Path(e)
	return ok && !expr.IsOptional(e) && len(path) == 2 && path[0] == "P" && (path[1] == "id" || path[1] == "roles")
}

// isFromJSON reports whether an expression reads a constant, an attribute or
// something in one, or another field of the principal or of the resource, none of
// which is of a kind that JSON does not have.
func isFromJSON(e ast.Expr) bool {
	path, ok := expr.Path(e)
	switch {
	case !ok || expr.IsOptional(e) || len(path) < 2:
		return false
	case path[0] == "C":
		return true
	case path[0] != "P" && path[0] != "R":
		return false
	case path[1] == "attr":
		return len(path) > 2
	}
	return len(path) == 2
}

// whole reports whether all of a value is written down, whatever is in it.
func (h *hole) whole() bool { return h.json && !h.named }

// readsNameless reports whether an expression reads what has no name for those
// who read a condition.
func readsNameless(e ast.Expr) bool {
	if path, ok := expr.Path(e); ok {
		return slices.Contains([]string{"request", "runtime", "V", "C", "G"}, path[0]) || isRoles(path)
	}
	return slices.ContainsFunc(expr.Children(e), readsNameless)
}

// punch replaces the largest closed parts of an open expression by holes.
func (p *Parts) punch(e ast.Expr, o *Openness, into *piece, vars []string, strict, compared bool) ast.Expr {
	if !o.IsOpen(e, vars) {
		if isLiteral(e) || e.Kind() == ast.IdentKind {
			return fact.CopyExpr(e)
		}
		return p.hole(e, o, into, strict, compared)
	}
	if definition, ok := o.variable(e); ok {
		return newSeam(-1, p.punch(definition, o, into, vars, strict, compared))
	}
	if e.Kind() != ast.CallKind {
		return rewriteChildren(e, func(x ast.Expr) ast.Expr { return p.punch(x, o, into, vars, strict, false) })
	}
	return p.punchCall(e.AsCall(), o, into, vars, strict, compared)
}

func (p *Parts) punchCall(c ast.CallExpr, o *Openness, into *piece, vars []string, strict, compared bool) ast.Expr {
	switch c.FunctionName() {
	case operators.Has:
		return o.present(c.Args()[0])
	case seam:
		return newSeam(-1, p.punch(c.Args()[1], o, into, vars, strict, compared))
	}
	compared = slices.Contains(comparisonOperators, c.FunctionName())
	names := expr.Bound(c)
	inner := append(slices.Clone(vars), names...)
	needed := strict && !isLazy(c)
	args := make([]ast.Expr, len(c.Args()))
	for i, a := range c.Args() {
		if i < len(names) {
			args[i] = fact.CopyExpr(a)
			continue
		}
		args[i] = p.punch(a, o, into, inner, needed, compared)
	}
	if c.IsMemberFunction() {
		return fact.NewMemberCall(0, c.FunctionName(), p.punch(c.Target(), o, into, vars, strict, false), args...)
	}
	if c.FunctionName() == operators.Index && args[1].Kind() == ast.IdentKind {
		for i := range into.holes {
			h := &into.holes[i]
			h.index = h.index || h.name == args[1].AsIdent()
		}
	}
	return fact.NewCall(0, c.FunctionName(), args...)
}

// defined returns what a variable is defined as, if a call asks whether it is
// there and there is no other way to say so than that the definition has a
// value.
func (o *Openness) defined(c ast.CallExpr) (ast.Expr, bool) {
	definition, ok := o.variable(c.Args()[0])
	if !ok || o.present(c.Args()[0]).AsCall().FunctionName() != operators.Has {
		return nil, false
	}
	path, isPath := expr.Path(o.present(c.Args()[0]).AsCall().Args()[0])
	return definition, isPath && path[0] == "V"
}

// present returns has() of an expression without the policy's variables.
func (o *Openness) present(e ast.Expr) ast.Expr {
	definition, isVariable := o.variable(e)
	if !isVariable {
		if e.Kind() == ast.SelectKind {
			s := e.AsSelect()
			e = fact.NewSelect(0, o.inline(s.Operand()), s.FieldName())
		}
		return fact.NewCall(0, operators.Has, fact.CopyExpr(e))
	}
	// A variable is there if its definition has a value.
	path, ok := expr.Path(definition)
	if _, sent := o.sentBelow(definition); !ok || expr.IsOptional(definition) || sent || len(path) < 3 || !expr.Within(path[2:], o.Unknown) {
		return fact.NewCall(0, operators.Has, fact.CopyExpr(e))
	}
	var all ast.Expr
	and := func(x ast.Expr) {
		if all == nil {
			all = x
			return
		}
		all = fact.NewCall(0, operators.LogicalAnd, all, x)
	}
	of := ast.Expr(fact.NewIdent(0, "R"))
	for i, name := range path[1:] {
		if below := i - len(o.Unknown); below > 1 {
			and(fact.NewCall(0, operators.Equals, fact.NewCall(0, "type", of), fact.NewIdent(0, "map")))
		}
		of = fact.NewSelect(0, of, name)
		if i > len(o.Unknown) {
			and(fact.NewCall(0, operators.Has, of))
		}
	}
	return all
}

// isLazy reports whether a call may do without some of its arguments, so that
// their errors are not its own.
func isLazy(c ast.CallExpr) bool {
	switch c.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr, operators.Conditional, "or", "orValue":
		return true
	case operators.In:
		list := c.Args()[1]
		return list.Kind() == ast.ListKind && list.AsList().Size() == 0
	}
	return len(expr.Bound(c)) > 0
}

var comparisonOperators = []string{
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals,
	operators.Greater, operators.GreaterEquals, operators.In,
}

// rewriteChildren rebuilds e from f of each of its direct parts.
func rewriteChildren(e ast.Expr, f func(ast.Expr) ast.Expr) ast.Expr {
	self := true
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
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
