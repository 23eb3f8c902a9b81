package pdp

import (
	"maps"
	"slices"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"
)

// RuleReads is what the condition of a rule looks at, with those of its
// derived roles and the variables that they use.
type RuleReads struct {
	Reads []Read
	// Clock lists the expressions that look at the clock.
	Clock []Place
	// Other is set if something is read that Reads does not say: all
	// attributes at once, the whole request.
	Other bool
}

// A Read is an attribute that an expression looks at.
type Read struct {
	// Principal is set for an attribute of the principal, not the resource.
	Principal bool
	Path      []string // below attr; never empty
	// Below is set if the path goes on by a name or a number that is not in
	// the text: attr.quota[attr.kind].
	Below bool
	// Tested is set where the expression only asks whether the attribute is
	// there, as has() does.
	Tested bool
	// Guarded says for each step of the path whether it does no harm there if
	// it is missing: the expression does not error, or is not looked at.
	Guarded []bool
	// Alternative is set below "or", "none" and in a branch of "? :", where
	// something else may decide.
	Alternative bool
	// Types are those that the value is taken to have, each in the name of
	// CEL: string, int, double, bool, list, map, null_type. Any of them will
	// do. None if the expression does not say.
	Types []string
	Place Place
}

// A Place is where an expression stands.
type Place struct {
	Expr        string // an expression of a condition, as written
	DerivedRole string // whose condition it is, or "" for the rule's own
	Variable    string // in the definition of which variable, or ""
}

// RuleReads says what each rule reads, by its ID; see [authz.RuleRef]. Rules
// without conditions are left out, and those that share an ID are taken
// together.
func (e *Engine) RuleReads() map[string]*RuleReads {
	type condition struct {
		rule, derivedRole string
		of                *runtimev1.Condition
	}
	seen := map[condition]bool{}
	list := map[string]*RuleReads{}
	for _, row := range e.tables.rows {
		id := ruleID(row)
		add := func(c *runtimev1.Condition, derivedRole string, params *runtimev1.RuleTable_RuleRow_Params) {
			key := condition{id, derivedRole, c}
			if c == nil || seen[key] {
				return
			}
			seen[key] = true
			if list[id] == nil {
				list[id] = &RuleReads{}
			}
			w := &readWalker{into: list[id], variables: variablesOf(params), constants: params.GetConstants(), place: Place{DerivedRole: derivedRole}}
			w.condition(c, presence{}, false)
		}
		add(row.Condition, "", row.Params)
		add(row.DerivedRoleCondition, row.OriginDerivedRole, row.DerivedRoleParams)
	}
	for _, r := range list { // the rows come in any order
		slices.SortFunc(r.Reads, compareReads)
		r.Reads = slices.CompactFunc(r.Reads, func(a, b Read) bool { return compareReads(a, b) == 0 })
		slices.SortFunc(r.Clock, comparePlaces)
		r.Clock = slices.Compact(r.Clock)
	}
	return list
}

func compareReads(a, b Read) int {
	return strings.Compare(a.key(), b.key())
}

func (r *Read) key() string {
	flag := func(b bool) string { return map[bool]string{true: "1"}[b] }
	parts := slices.Concat([]string{flag(r.Principal)}, r.Path, []string{"", flag(r.Below), flag(r.Tested), flag(r.Alternative)}, r.Types)
	for _, g := range r.Guarded {
		parts = append(parts, flag(g))
	}
	return strings.Join(append(parts, "", r.Place.Expr, r.Place.DerivedRole, r.Place.Variable), "\x00")
}

func comparePlaces(a, b Place) int {
	return slices.Compare([]string{a.Expr, a.DerivedRole, a.Variable}, []string{b.Expr, b.DerivedRole, b.Variable})
}

// presence is the paths that are there, wherever an expression comes to be
// looked at. Keys join the names, from the root on.
type presence map[string]bool

func isThere(path []string) presence { return presence{strings.Join(path, "\x00"): true} }

func (f presence) and(g presence) presence {
	if len(g) == 0 {
		return f
	}
	sum := maps.Clone(f)
	maps.Copy(sum, g)
	return sum
}

func (f presence) or(g presence) presence {
	common := presence{}
	for k := range f {
		if g[k] {
			common[k] = true
		}
	}
	return common
}

// A readWalker collects the reads of one condition.
type readWalker struct {
	into      *RuleReads
	variables map[string]string
	constants map[string]*structpb.Value
	place     Place
}

// condition walks a tree of expressions as the engine evaluates it: from left
// to right, up to the first that settles it. An expression that errors is
// false there.
func (w *readWalker) condition(c *runtimev1.Condition, known presence, alternative bool) {
	list := func(of *runtimev1.Condition_ExprList, met, alternative bool) {
		for _, x := range of.GetExpr() {
			w.condition(x, known, alternative || len(of.GetExpr()) > 1 && !met)
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
		e, err := parseCEL(op.Expr.GetOriginal())
		if err != nil {
			w.into.Other = true
			return
		}
		w.place.Expr = op.Expr.GetOriginal()
		w.expr(e, surrounding{known: known, alternative: alternative, types: []string{"bool"}})
	}
}

// conditionFacts returns what is there if the condition is met, and if it is
// not.
func (w *readWalker) conditionFacts(c *runtimev1.Condition) (whenTrue, whenFalse presence) {
	sum := func(of *runtimev1.Condition_ExprList, all bool) (whenTrue, whenFalse presence) {
		for i, x := range of.GetExpr() {
			t, f := w.conditionFacts(x)
			switch {
			case i == 0:
				whenTrue, whenFalse = t, f
			case all:
				whenTrue, whenFalse = whenTrue.and(t), whenFalse.or(f)
			default:
				whenTrue, whenFalse = whenTrue.or(t), whenFalse.and(f)
			}
		}
		return whenTrue, whenFalse
	}
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_All:
		return sum(op.All, true)
	case *runtimev1.Condition_Any:
		return sum(op.Any, false)
	case *runtimev1.Condition_None:
		met, unmet := sum(op.None, false)
		return unmet, met
	case *runtimev1.Condition_Expr:
		if e, err := parseCEL(op.Expr.GetOriginal()); err == nil {
			return w.facts(e)
		}
	}
	return presence{}, presence{}
}

// facts returns what is there if an expression is true, and if it is false. It
// knows has() and "name in map"; what else would error says nothing about a
// tree, where an error is as good as false.
func (w *readWalker) facts(e ast.Expr) (whenTrue, whenFalse presence) {
	e = w.inline(e)
	if e.Kind() != ast.CallKind {
		return presence{}, presence{}
	}
	c := e.AsCall()
	args := c.Args()
	switch c.FunctionName() {
	case operators.Has:
		if path, ok := pathOf(w.inline(args[0])); ok {
			return isThere(path), presence{}
		}
	case operators.In:
		if path, ok := pathOf(w.inline(args[1])); ok {
			if key, ok := w.constant(args[0]); ok && key.text != "" {
				return isThere(append(path, key.text)), presence{}
			}
		}
	case operators.LogicalNot:
		t, f := w.facts(args[0])
		return f, t
	case operators.LogicalAnd, operators.LogicalOr:
		t, f := w.facts(args[0])
		u, g := w.facts(args[1])
		if c.FunctionName() == operators.LogicalAnd {
			return t.and(u), f.or(g)
		}
		return t.or(u), f.and(g)
	case operators.Conditional:
		t, f := w.facts(args[0])
		thenTrue, thenFalse := w.facts(args[1])
		elseTrue, elseFalse := w.facts(args[2])
		return t.and(thenTrue).or(f.and(elseTrue)), t.and(thenFalse).or(f.and(elseFalse))
	}
	return presence{}, presence{}
}

// surrounding is what is known of the place of an expression in a larger one.
type surrounding struct {
	known       presence
	alternative bool
	below       bool     // its value is looked into further
	tested      bool     // only whether it is there matters
	types       []string // that its value is taken to have
	bound       []string // names that macros give to something else
}

func (c surrounding) plain() surrounding {
	return surrounding{known: c.known, alternative: c.alternative, bound: c.bound}
}

func (c surrounding) with(f presence) surrounding {
	p := c.plain()
	p.known = c.known.and(f)
	return p
}

// expr collects the reads of an expression.
func (w *readWalker) expr(e ast.Expr, at surrounding) {
	if definition, name, ok := w.definition(e); ok {
		outer := w.place.Variable
		w.place.Variable = name
		w.expr(definition, at)
		w.place.Variable = outer
		return
	}
	if path, ok := pathOf(e); ok {
		if !slices.Contains(at.bound, path[0]) {
			w.read(e, path, at)
		}
		return
	}
	switch e.Kind() {
	case ast.SelectKind:
		at.below, at.types = true, nil
		w.expr(e.AsSelect().Operand(), at)
	case ast.CallKind:
		w.call(e.AsCall(), at)
	case ast.ListKind, ast.MapKind, ast.StructKind, ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.IdentKind, ast.LiteralKind:
		for _, x := range children(e) {
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
			inner := at.with(whenFalse)
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
	inner.bound = append(slices.Clone(at.bound), bound(c)...)
	for _, a := range args[len(bound(c)):] {
		w.expr(a, inner)
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
	default:
		return
	}
	if len(path) == 2 {
		w.into.Other = true
		return
	}
	r := Read{
		Principal: path[0] == "P", Path: path[2:], Below: at.below, Tested: at.tested,
		Alternative: at.alternative, Types: at.types, Place: w.place, Guarded: make([]bool, len(path)-2),
	}
	optional := optionalFrom(e)
	for i := range r.Guarded {
		r.Guarded[i] = at.known[strings.Join(path[:i+3], "\x00")] || at.tested && i == len(r.Guarded)-1 ||
			len(r.Guarded)-i <= optional
	}
	if optional > 0 {
		r.Types = nil // it is the type of an optional
	}
	w.into.Reads = append(w.into.Reads, r)
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

// definition returns what a path that begins with a variable of the policy
// stands for, and the variable.
func (w *readWalker) definition(e ast.Expr) (definition ast.Expr, name string, ok bool) {
	path, exact := pathOf(e)
	if !exact || len(path) < 2 || path[0] != "V" {
		return nil, "", false
	}
	text, ok := w.variables[path[1]]
	if !ok {
		return nil, "", false
	}
	parsed, err := parseCEL(text)
	if err != nil {
		return nil, "", false
	}
	return rebase(e, len(path)-2, parsed), path[1], true
}

// rebase puts the last steps of a chain of selections on something else.
func rebase(e ast.Expr, steps int, onto ast.Expr) ast.Expr {
	if steps == 0 {
		return onto
	}
	if e.Kind() == ast.SelectKind {
		return fact.NewSelect(0, rebase(e.AsSelect().Operand(), steps-1, onto), e.AsSelect().FieldName())
	}
	c := e.AsCall()
	return fact.NewCall(0, c.FunctionName(), rebase(c.Args()[0], steps-1, onto), fact.CopyExpr(c.Args()[1]))
}

// inline replaces an expression that is a variable by its definition.
func (w *readWalker) inline(e ast.Expr) ast.Expr {
	for {
		definition, _, ok := w.definition(e)
		if !ok {
			return e
		}
		e = definition
	}
}

// A constant is a value that is the same for every request.
type constant struct {
	typeName string // as CEL calls it
	text     string // of a string
	of       []constant
}

// constant returns the value of an expression, if it is easily seen to be a
// constant.
func (w *readWalker) constant(e ast.Expr) (constant, bool) {
	e = w.inline(e)
	switch e.Kind() {
	case ast.LiteralKind:
		text, _ := e.AsLiteral().(types.String)
		return constant{typeName: e.AsLiteral().Type().TypeName(), text: string(text)}, true
	case ast.ListKind:
		list := constant{typeName: "list"}
		for _, x := range e.AsList().Elements() {
			v, ok := w.constant(x)
			if !ok {
				return constant{}, false
			}
			list.of = append(list.of, v)
		}
		return list, true
	case ast.CallKind, ast.SelectKind:
		if path, ok := pathOf(e); ok && len(path) == 2 && path[0] == "C" && w.constants[path[1]] != nil {
			return constantOf(w.constants[path[1]]), true
		}
	case ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.IdentKind, ast.MapKind, ast.StructKind:
	}
	return constant{}, false
}

func constantOf(v *structpb.Value) constant {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return constant{typeName: "string", text: k.StringValue}
	case *structpb.Value_NumberValue:
		return constant{typeName: "double"}
	case *structpb.Value_BoolValue:
		return constant{typeName: "bool"}
	case *structpb.Value_StructValue:
		return constant{typeName: "map"}
	case *structpb.Value_ListValue:
		list := constant{typeName: "list"}
		for _, x := range k.ListValue.GetValues() {
			list.of = append(list.of, constantOf(x))
		}
		return list
	}
	return constant{typeName: "null_type"}
}
