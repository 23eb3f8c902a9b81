package cel

import (
	"slices"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A readWalker collects the reads of one condition.
type readWalker struct {
	into *pdp.RuleReads
	*definitions
	strict bool
	place  pdp.Location
	steps  int
}

// AddReads adds to reads those of a condition, of a derived role unless that is "", and
// returns what has to hold of the resource for it to be met.
func AddReads(into *pdp.RuleReads, c *runtimev1.Condition, params *runtimev1.RuleTable_RuleRow_Params, derivedRole string, strict bool) []pdp.Premise {
	w := &readWalker{
		into: into, definitions: definitionsOf(params),
		strict: strict, place: pdp.Location{DerivedRole: derivedRole},
	}
	w.condition(c, presence{}, false, nil)
	if derivedRole != "" {
		return nil
	}
	return w.conditionPremises(c, true)
}

// maxSteps bounds the expressions that are looked at in one condition: a few
// variables that name each other twice stand for millions.
const maxSteps = 1 << 14

func (w *readWalker) exhausted() bool {
	w.steps++
	w.into.Other = w.into.Other || w.steps > maxSteps
	return w.steps > maxSteps
}

// condition walks a tree of expressions as the engine evaluates it: from left
// to right, up to the first that settles it. An expression that errors is
// false there.
func (w *readWalker) condition(c *runtimev1.Condition, known presence, alternative bool, premises []pdp.Premise) {
	list := func(of *runtimev1.Condition_ExprList, met, alternative bool) {
		for i, x := range of.GetExpr() {
			beside := slices.Clone(premises)
			for j, other := range of.GetExpr() {
				// An error denies at once when evaluation is strict, whatever comes after.
				if j < i || j > i && !w.strict {
					beside = append(beside, w.conditionPremises(other, met)...)
				}
			}
			w.condition(x, known, alternative || len(of.GetExpr()) > 1 && !met, beside)
			if whenTrue, whenFalse := w.conditionFacts(x); met {
				known = known.and(whenTrue)
			} else {
				known = known.and(whenFalse)
			}
		}
	}
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_All:
		list(op.All, true, alternative)
	case *runtimev1.Condition_Any:
		list(op.Any, false, alternative)
	case *runtimev1.Condition_None:
		list(op.None, false, alternative)
	case *runtimev1.Condition_Expr:
		e, err := expr.Parse(op.Expr.GetOriginal())
		if err != nil {
			w.into.Other = true
			return
		}
		w.place.Expr = op.Expr.GetOriginal()
		w.expr(e, surrounding{known: known, premises: premises, alternative: alternative, types: []string{"bool"}})
	}
}

// surrounding is what is known of the place of an expression in a larger one.
type surrounding struct {
	known       presence
	premises    []pdp.Premise
	alternative bool
	below       bool     // its value is looked into further
	tested      bool     // only whether it is there matters
	types       []string // that its value is taken to have
	bound       []string // names that macros give to something else
}

func (c surrounding) plain() surrounding {
	return surrounding{known: c.known, premises: c.premises, alternative: c.alternative, bound: c.bound}
}

func (c surrounding) with(f presence, premises []pdp.Premise) surrounding {
	p := c.plain()
	p.known, p.premises = c.known.and(f), slices.Concat(c.premises, premises)
	return p
}

// expr collects the reads of an expression.
func (w *readWalker) expr(e ast.Expr, at surrounding) {
	if w.exhausted() {
		return
	}
	if definition, name, ok := w.written(e); ok {
		outer := w.place.Variable
		w.place.Variable = name
		w.expr(definition, at)
		w.place.Variable = outer
		return
	}
	if path, ok := expr.Path(e); ok {
		if !slices.Contains(at.bound, path[0]) {
			w.read(e, path, at)
		}
		return
	}
	if of, ok := firstElement(e); ok {
		w.expr(of, at)
		return
	}
	switch e.Kind() {
	case ast.SelectKind:
		at.below, at.types = true, nil
		w.expr(e.AsSelect().Operand(), at)
	case ast.CallKind:
		w.call(e.AsCall(), at)
	case ast.ListKind, ast.MapKind, ast.StructKind, ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.IdentKind, ast.LiteralKind:
		for _, x := range expr.Children(e) {
			w.expr(x, at.plain())
		}
	}
}

// isString are the member functions that strings alone have.
var isString = []string{
	"startsWith", "endsWith", "contains", "matches", "lowerAscii", "upperAscii", "split", "trim", "replace", "charAt", "substring",
}

func (w *readWalker) call(c ast.CallExpr, at surrounding) {
	args := c.Args()
	switch name := c.FunctionName(); name {
	case operators.Has:
		inner := at.plain()
		inner.tested = true
		w.expr(args[0], inner)
		return
	case operators.LogicalAnd, operators.LogicalOr:
		// On either side, because CEL takes an error back if the other side
		// settles the matter.
		for i := range args {
			whenTrue, whenFalse := w.facts(args[1-i])
			if name == operators.LogicalAnd {
				whenFalse = whenTrue
			}
			inner := at.with(whenFalse, w.premises(args[1-i], name == operators.LogicalAnd))
			inner.alternative = inner.alternative || name == operators.LogicalOr
			inner.types = []string{"bool"}
			w.expr(args[i], inner)
		}
		return
	case operators.LogicalNot:
		inner := at.plain()
		inner.types = []string{"bool"}
		w.expr(args[0], inner)
		return
	case operators.Conditional:
		whenTrue, whenFalse := w.facts(args[0])
		condition := at.plain()
		condition.types = []string{"bool"}
		w.expr(args[0], condition)
		for i, f := range []presence{whenTrue, whenFalse} {
			branch := at
			branch.known, branch.alternative = at.known.and(f), true
			branch.premises = slices.Concat(at.premises, w.premises(args[0], i == 0))
			w.expr(args[i+1], branch)
		}
		return
	case operators.Index, operators.OptSelect, operators.OptIndex:
		operand := at
		operand.below, operand.types = true, nil
		w.expr(args[0], operand)
		w.expr(args[1], at.plain())
		return
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		for i := range args {
			side := at.plain()
			if v, ok := w.constant(args[1-i]); ok {
				side.types = []string{v.typeName}
			}
			w.expr(args[i], side)
		}
		return
	case operators.In:
		element, list := at.plain(), at.plain()
		if v, ok := w.constant(args[1]); ok {
			for _, x := range v.of {
				element.types = append(element.types, x.typeName)
			}
		}
		list.types = []string{"list", "map"}
		w.expr(args[0], element)
		w.expr(args[1], list)
		return
	case "now", "timeSince":
		w.into.Clock = append(w.into.Clock, w.place)
	}
	inner := at.plain()
	inner.bound = append(slices.Clone(at.bound), expr.Bound(c)...)
	for _, a := range args[len(expr.Bound(c)):] {
		w.expr(ofElements(c, a), inner)
	}
	if c.IsMemberFunction() {
		target := at.plain()
		if slices.Contains(isString, c.FunctionName()) {
			target.types = []string{"string"}
		}
		w.expr(c.Target(), target)
	}
}

// read takes down what a path reads.
func (w *readWalker) read(e ast.Expr, path []string, at surrounding) {
	isAttr := len(path) > 1 && path[1] == "attr"
	switch {
	case path[0] == "P" && isAttr, path[0] == "R" && isAttr:
	case len(path) == 1 && slices.Contains([]string{"P", "R", "request"}, path[0]):
		w.into.Other = true
		return
	case isClaim(path):
		w.into.Claims = append(w.into.Claims, w.readOf(e, path, at))
		return
	default:
		return
	}
	if len(path) == 2 {
		w.into.Other = true
		return
	}
	r := w.readOf(e, path, at)
	r.Principal = path[0] == "P"
	w.into.Reads = append(w.into.Reads, r)
}

// isClaim reports whether a path leads to a claim of a token.
func isClaim(path []string) bool {
	if len(path) < 4 || path[0] != "request" || path[1] != "auxData" && path[1] != "aux_data" {
		return false
	}
	return path[2] == "jwt" || path[2] == "jwts" && len(path) > 5 && path[4] == "claims"
}

// readOf describes the read of a path below its first two steps.
func (w *readWalker) readOf(e ast.Expr, path []string, at surrounding) pdp.Read {
	r := pdp.Read{
		Path: path[2:], Below: at.below, Tested: at.tested,
		Alternative: at.alternative, Types: at.types, Premises: at.premises, Place: w.place, Guarded: make([]bool, len(path)-2),
	}
	optional := optionalFrom(e)
	for i := range r.Guarded {
		r.Guarded[i] = at.known[presenceKey(path[:i+3])] || at.tested && i == len(r.Guarded)-1 ||
			len(r.Guarded)-i <= optional
	}
	if optional > 0 {
		r.Types = nil // it is the type of an optional
	}
	return r
}

// optionalFrom counts the steps at the end of a chain of selections from the
// first optional one on, which need not be there.
func optionalFrom(e ast.Expr) int {
	n := 0
	for steps := 1; ; steps++ {
		switch e.Kind() {
		case ast.SelectKind:
			e = e.AsSelect().Operand()
		case ast.CallKind:
			if e.AsCall().FunctionName() != operators.Index {
				n = steps
			}
			e = e.AsCall().Args()[0]
		default:
			return n
		}
	}
}
