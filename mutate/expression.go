package mutate

import (
	"math"
	"slices"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

var facts = ast.NewExprFactory()

// moves are the comparisons that a comparison is easily taken for.
var moves = map[string]string{
	operators.Less: operators.LessEquals, operators.LessEquals: operators.Less,
	operators.Greater: operators.GreaterEquals, operators.GreaterEquals: operators.Greater,
	operators.Equals: operators.NotEquals, operators.NotEquals: operators.Equals,
}

// expression makes the mutants of an expression.
func (m *maker) expression(s *site) {
	root, err := expr.Parse(s.text)
	if err != nil {
		return // the engine refuses it
	}
	x := &mutating{maker: m, site: s, root: root}
	x.walk(root, "")
}

// mutating makes the mutants of one expression.
type mutating struct {
	*maker
	site *site
	root ast.Expr
}

// put adds the mutant in which another expression stands in the place of one, unless that
// reads the same: a number so large that one more is no other.
func (x *mutating) put(op Operator, of, by ast.Expr) {
	text := expr.Print(expr.Rewrite(x.root, func(e ast.Expr) (ast.Expr, bool) { return by, e == of }))
	if text == expr.Print(x.root) {
		return
	}
	var becomes *pdp.Match
	if x.site.becomes != nil {
		becomes = x.site.becomes(text)
	}
	x.add(x.mutant(x.site, op, x.site.node.Pos, x.site.text, text, edit{node: x.site.node, value: text}, becomes))
}

// walk makes the mutants of what stands below an operator, if that is one that joins parts.
func (x *mutating) walk(e ast.Expr, above string) {
	if e.Kind() == ast.CallKind {
		call := e.AsCall()
		switch name := call.FunctionName(); name {
		case operators.LogicalAnd, operators.LogicalOr:
			if name != above {
				x.chain(e, name)
			}
			above = name
		default:
			x.call(e, call, above != "")
			above = ""
		}
	} else {
		above = ""
	}
	for _, below := range expr.Children(e) {
		x.walk(below, above)
	}
}

// chain makes the mutants of parts that are joined by one operator.
func (x *mutating) chain(e ast.Expr, name string) {
	parts := joined(e, name)
	other := operators.LogicalAnd
	if name == other {
		other = operators.LogicalOr
	}
	for i, part := range parts {
		op := PartRemoved
		if isHas(part) {
			op = HasDropped
		}
		x.put(op, e, join(append(parts[:i:i], parts[i+1:]...), name))
	}
	x.put(AndOrSwapped, e, join(parts, other))
}

// joined returns the parts that an operator joins.
func joined(e ast.Expr, name string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != name {
		return []ast.Expr{e}
	}
	var list []ast.Expr
	for _, below := range e.AsCall().Args() {
		list = append(list, joined(below, name)...)
	}
	return list
}

func join(list []ast.Expr, name string) ast.Expr {
	e := list[0]
	for _, part := range list[1:] {
		e = facts.NewCall(0, name, e, part)
	}
	return e
}

// isHas reports whether an expression is has(x).
func isHas(e ast.Expr) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "has" && !e.AsCall().IsMemberFunction()
}

// call makes the mutants of a comparison, and of has(x) where it is not one of joined parts,
// which are taken out.
func (x *mutating) call(e ast.Expr, call ast.CallExpr, joined bool) {
	if isHas(e) {
		if !joined {
			x.put(HasDropped, e, facts.NewLiteral(0, types.True))
		}
		return
	}
	other := moves[call.FunctionName()]
	if other == "" {
		return
	}
	x.put(ComparisonMoved, e, facts.NewCall(0, other, call.Args()...))
	for i, operand := range call.Args() {
		for _, moved := range movedBy(operand) {
			args := slices.Clone(call.Args())
			args[i] = moved
			x.put(ConstantMoved, e, facts.NewCall(0, call.FunctionName(), args...))
		}
	}
}

// otherText ends a text that is another one than it was.
const otherText = "~"

// movedBy returns a constant one further and one less far, a number, a time or a duration;
// or another text.
func movedBy(e ast.Expr) []ast.Expr {
	switch e.Kind() { //nolint:exhaustive // nothing else is a constant
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.Int:
			var list []ast.Expr
			if v < math.MaxInt64 {
				list = append(list, facts.NewLiteral(0, v+1))
			}
			if v > math.MinInt64 {
				list = append(list, facts.NewLiteral(0, v-1))
			}
			return list
		case types.Double:
			return []ast.Expr{facts.NewLiteral(0, v+1), facts.NewLiteral(0, v-1)}
		case types.Uint:
			var list []ast.Expr
			if v < math.MaxUint64 {
				list = append(list, facts.NewLiteral(0, v+1))
			}
			if v > 0 {
				list = append(list, facts.NewLiteral(0, v-1))
			}
			return list
		case types.String:
			return []ast.Expr{facts.NewLiteral(0, v+otherText)}
		}
	case ast.CallKind:
		call := e.AsCall()
		if len(call.Args()) != 1 || call.IsMemberFunction() || call.Args()[0].Kind() != ast.LiteralKind {
			return nil
		}
		text, ok := call.Args()[0].AsLiteral().(types.String)
		if !ok {
			return nil
		}
		var list []ast.Expr
		for _, moved := range movedText(call.FunctionName(), string(text)) {
			list = append(list, facts.NewCall(0, call.FunctionName(), facts.NewLiteral(0, types.String(moved))))
		}
		return list
	}
	return nil
}

// movedText returns a time or a duration one second later and one earlier.
func movedText(function, text string) []string {
	switch function {
	case "timestamp":
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return []string{at.Add(time.Second).Format(time.RFC3339Nano), at.Add(-time.Second).Format(time.RFC3339Nano)}
		}
	case "duration":
		if d, err := time.ParseDuration(text); err == nil {
			return []string{(d + time.Second).String(), (d - time.Second).String()}
		}
	}
	return nil
}
