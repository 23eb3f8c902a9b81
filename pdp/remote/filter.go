package remote

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"github.com/google/cel-go/parser"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

var fact = ast.NewExprFactory()

// operand is a part of a query plan's filter.
type operand = enginev1.PlanResourcesFilter_Expression_Operand

// effect reads a plan. Where the roles by themselves say otherwise than all of
// them together, one of them is enough.
func (p *planned) effect(r *authz.Request) (authz.Effect, authz.Condition) {
	if len(p.roles) == 0 {
		return planEffect(p.filter, r)
	}
	var conditions []authz.Condition
	for _, f := range p.roles {
		effect, condition := planEffect(f, r)
		switch effect {
		case authz.Allow:
			return authz.Conditional, authz.Unwritten("(depends on which role decides)")
		case authz.Conditional:
			conditions = append(conditions, condition)
		case authz.Deny:
		}
	}
	if len(conditions) == 0 {
		return authz.Deny, authz.Condition{}
	}
	return authz.Conditional, anyMet(conditions)
}

// anyMet returns the condition that one of some conditions is met, each of which is
// one expression or not written down.
func anyMet(conditions []authz.Condition) authz.Condition {
	conditions = slices.CompactFunc(conditions, authz.Condition.Equal)
	if len(conditions) == 1 {
		return conditions[0]
	}
	var texts []string
	for _, c := range conditions {
		texts = append(texts, c.String())
	}
	text := expr.Joined(texts, operators.LogicalOr)
	if slices.ContainsFunc(conditions, func(c authz.Condition) bool { return !c.Written() }) {
		return authz.Unwritten(text)
	}
	return oneClause(text)
}

// oneClause returns the condition that an expression is true.
func oneClause(text string) authz.Condition {
	return authz.AnyOf(authz.Alternative{Allows: expr.Clause(text)})
}

// planEffect reads a query plan: what it comes to for the request's resource
// and, if that is Conditional, the condition.
func planEffect(f *enginev1.PlanResourcesFilter, r *authz.Request) (authz.Effect, authz.Condition) {
	switch f.GetKind() { //nolint:exhaustive // plan takes no others
	case enginev1.PlanResourcesFilter_KIND_ALWAYS_ALLOWED:
		return authz.Allow, authz.Condition{}
	case enginev1.PlanResourcesFilter_KIND_ALWAYS_DENIED:
		return authz.Deny, authz.Condition{}
	}
	e, err := filterExpr(f.GetCondition(), false)
	if err != nil {
		return authz.Conditional, authz.Unwritten(fmt.Sprintf("(depends on arguments: %v)", err))
	}
	known := readsKnown(e, r.Unknown)
	text := expr.Print(expr.Shorten(withNames(e, r), r.Unknown))
	effect := authz.Conditional
	if known {
		if effect, text = foldKnown(text, r); effect != authz.Conditional {
			return effect, authz.Condition{}
		}
	}
	return effect, oneClause(text)
}

// readsKnown reports whether a filter reads anything of the resource that a
// request has told and a plan did not know: its id, or an attribute that it was
// asked for in a way the planner does not see through.
func readsKnown(e ast.Expr, unknown []string) bool {
	path, ok := expr.Path(e)
	if ok && len(path) >= 2 && path[0] == "R" {
		open := len(path) > 2 && len(path)-2 >= len(unknown) && slices.Equal(path[2:2+len(unknown)], unknown)
		return path[1] == "id" || path[1] == "attr" && len(path) > 2 && !open
	}
	return slices.ContainsFunc(expr.Children(e), func(c ast.Expr) bool { return readsKnown(c, unknown) })
}

// withNames puts the resource's id in, which a plan does not know, and gives the
// principal's attributes their name back where a plan has them all in one
// place, because an expression reads one that is not there.
func withNames(e ast.Expr, r *authz.Request) ast.Expr {
	attr := fact.NewSelect(0, fact.NewIdent(0, "P"), "attr")
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if path, ok := expr.Path(x); ok && slices.Equal(path, []string{"R", "id"}) {
			return fact.NewLiteral(0, types.String(r.Resource.ID)), true
		}
		if x.Kind() == ast.SelectKind && hasKeys(x.AsSelect().Operand(), r.Principal.Attr) {
			return fact.NewSelect(0, attr, x.AsSelect().FieldName()), true
		}
		return nil, false
	})
}

// hasKeys reports whether e is a map with just the keys of attr.
func hasKeys(e ast.Expr, attr map[string]any) bool {
	if e.Kind() != ast.MapKind || e.AsMap().Size() != len(attr) {
		return false
	}
	for _, entry := range e.AsMap().Entries() {
		key := entry.AsMapEntry().Key()
		if key.Kind() != ast.LiteralKind {
			return false
		}
		name, ok := key.AsLiteral().Value().(string)
		if _, known := attr[name]; !ok || !known {
			return false
		}
	}
	return true
}

var filterEnv = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), cel.EnableMacroCallTracking(),
		ext.Strings(), ext.Lists(), ext.Sets(), ext.Math(), ext.TwoVarComprehensions(),
	)
})

// foldKnown evaluates what a condition says about known attributes. What it
// cannot evaluate, for instance for a function of Cerbos's own, it leaves.
func foldKnown(condition string, r *authz.Request) (authz.Effect, string) {
	env, err := filterEnv()
	if err != nil {
		return authz.Conditional, condition
	}
	parsed, issues := env.Parse(condition)
	if issues.Err() != nil {
		return authz.Conditional, condition
	}
	program, err := env.Program(parsed, cel.EvalOptions(cel.OptTrackState, cel.OptPartialEval))
	if err != nil {
		return authz.Conditional, condition
	}
	arguments := cel.AttributePattern("resource")
	for _, name := range r.Unknown {
		arguments = arguments.QualString(name)
	}
	vars, err := cel.PartialVars(map[string]any{"resource": r.Resource.Attr},
		arguments, cel.AttributePattern("arguments"), cel.AttributePattern("principal"), cel.AttributePattern("request"))
	if err != nil {
		return authz.Conditional, condition
	}
	value, details, err := program.Eval(vars)
	switch {
	case err != nil:
	case types.IsUnknown(value):
		if rest, err := env.ResidualAst(parsed, details); err == nil {
			// Not cel.AstToString, which breaks long lines.
			if text, err := parser.Unparse(rest.NativeRep().Expr(), rest.NativeRep().SourceInfo(), parser.WrapOnColumn(math.MaxInt32)); err == nil {
				return authz.Conditional, text
			}
		}
	case value == types.True:
		return authz.Allow, ""
	case value == types.False:
		return authz.Deny, ""
	}
	return authz.Conditional, condition
}

// binaries are the operators of a filter that CEL writes between operands.
var binaries = map[string]string{
	"and": operators.LogicalAnd, "or": operators.LogicalOr,
	"eq": operators.Equals, "ne": operators.NotEquals,
	"lt": operators.Less, "le": operators.LessEquals, "gt": operators.Greater, "ge": operators.GreaterEquals,
	"in": operators.In, "index": operators.Index,
	"add": operators.Add, "sub": operators.Subtract, "mult": operators.Multiply, "div": operators.Divide, "mod": operators.Modulo,
}

// arithmetic are those of them that do not take an integer and a double, which
// is what a number in JSON is.
var arithmetic = []string{"add", "sub", "mult", "div", "mod"}

// functions are those that CEL does not call on their first operand; those with
// a namespace are others.
var functions = []string{
	"size", "timestamp", "duration", "int", "uint", "double", "string", "bytes", "bool", "type", "dyn", "now",
	"hierarchy", "spiffeID", "spiffeTrustDomain", "spiffeMatchAny", "spiffeMatchExact", "spiffeMatchOneOf", "spiffeMatchTrustDomain",
	"basePath", "dirPath", "extPath", "joinPath", "relPath", "volumeName", "ip", "isIP", "cidr", "isCIDR",
}

// filterExpr writes a part of a filter as CEL. Numbers come out as doubles
// where double is set, otherwise as integers if they are whole: a filter does
// not tell the two apart, and comparisons in policies do not mind.
func filterExpr(o *operand, double bool) (ast.Expr, error) {
	switch n := o.GetNode().(type) {
	case *enginev1.PlanResourcesFilter_Expression_Operand_Value:
		return filterValue(n.Value, double), nil
	case *enginev1.PlanResourcesFilter_Expression_Operand_Variable:
		names := strings.Split(n.Variable, ".")
		e := fact.NewIdent(0, names[0])
		for _, name := range names[1:] {
			e = fact.NewSelect(0, e, name)
		}
		return e, nil
	case *enginev1.PlanResourcesFilter_Expression_Operand_Expression:
		return filterCall(n.Expression.GetOperator(), n.Expression.GetOperands())
	}
	return nil, errors.New("an operand of no kind")
}

func filterCall(operator string, operands []*operand) (ast.Expr, error) {
	switch n := len(operands); {
	case operator == "get-field" && n == 2:
		e, err := filterExpr(operands[0], false)
		if err != nil {
			return nil, err
		}
		return fact.NewSelect(0, e, operands[1].GetVariable()), nil
	case n == 2 && operands[1].GetExpression().GetOperator() == "lambda":
		return filterMacro(operator, operands[0], operands[1].GetExpression().GetOperands())
	case operator == "struct":
		return filterStruct(operands)
	}
	args := make([]ast.Expr, len(operands))
	for i, o := range operands {
		double := slices.Contains(arithmetic, operator) && slices.ContainsFunc(operands, isDouble)
		var err error
		if args[i], err = filterExpr(o, double); err != nil {
			return nil, err
		}
	}
	infix, isInfix := binaries[operator]
	switch n := len(args); {
	case (operator == "and" || operator == "or") && n >= 1:
		return chain(infix, args), nil
	case isInfix && n == 2:
		return fact.NewCall(0, infix, args...), nil
	case operator == "not" && n == 1:
		return expr.Negate(args[0]), nil
	case operator == "if" && n == 3:
		return fact.NewCall(0, operators.Conditional, args...), nil
	case operator == "list":
		return fact.NewList(0, args, nil), nil
	case operator == "id" && n == 1: // which Cerbos's planner puts around known attributes
		return args[0], nil
	case operator == operators.Negate && n == 1:
		return fact.NewCall(0, operator, args...), nil
	case isInfix || slices.Contains([]string{"not", "if", "lambda", "get-field"}, operator):
		return nil, fmt.Errorf("%s with %d operands", operator, n)
	case n == 0 || slices.Contains(functions, operator) || strings.Contains(operator, "."):
		return fact.NewCall(0, namespaced.Replace(operator), args...), nil
	}
	return fact.NewMemberCall(0, operator, args[0], args[1:]...), nil
}

// chain joins expressions with a logical operator, each different one once.
func chain(operator string, list []ast.Expr) ast.Expr {
	var flat []ast.Expr
	var add func(e ast.Expr)
	add = func(e ast.Expr) {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operator {
			for _, a := range e.AsCall().Args() {
				add(a)
			}
			return
		}
		flat = append(flat, e)
	}
	for _, e := range list {
		add(e)
	}
	seen := map[string]bool{}
	var all ast.Expr
	for _, e := range flat {
		switch text := expr.Print(e); {
		case seen[text]:
		case all == nil:
			all, seen[text] = e, true
		default:
			all, seen[text] = fact.NewCall(0, operator, all, e), true
		}
	}
	return all
}

// namespaced are functions that a macro stands for.
var namespaced = strings.NewReplacer("math.@max", "math.greatest", "math.@min", "math.least")

// isDouble reports whether a part of a filter is a number as JSON has it: an
// attribute, or what is reckoned from one.
func isDouble(o *operand) bool {
	e := o.GetExpression()
	return o.GetVariable() != "" || slices.Contains(arithmetic, e.GetOperator()) && slices.ContainsFunc(e.GetOperands(), isDouble)
}

// filterMacro writes a call that binds variables. Its lambda has one or two
// expressions and then one or two variables; CEL has them the other way round.
func filterMacro(operator string, target *operand, lambda []*operand) (ast.Expr, error) {
	variables := 1
	if n := len(lambda); n == 4 || n == 3 && lambda[1].GetVariable() != "" {
		variables = 2 // of two expressions, the second is never a mere variable
	}
	if len(lambda) <= variables || len(lambda) > 4 {
		return nil, fmt.Errorf("%s with %d operands in lambda", operator, len(lambda))
	}
	on, err := filterExpr(target, false)
	if err != nil {
		return nil, err
	}
	bodies, names := lambda[:len(lambda)-variables], lambda[len(lambda)-variables:]
	var args []ast.Expr
	for _, v := range names {
		args = append(args, fact.NewIdent(0, v.GetVariable()))
	}
	for _, body := range bodies {
		e, err := filterExpr(body, false)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	switch {
	case operator == "transformList" && variables == 1:
		operator = "map" // of those that meet a condition
	case operator == "exists_one" && variables == 2:
		operator = "existsOne"
	}
	return fact.NewMemberCall(0, operator, on, args...), nil
}

// filterStruct writes a map, its keys in order: a plan has them in any.
func filterStruct(fields []*operand) (ast.Expr, error) {
	pairs := map[string]ast.EntryExpr{}
	for _, f := range fields {
		pair := f.GetExpression().GetOperands()
		if f.GetExpression().GetOperator() != "set-field" || len(pair) != 2 {
			return nil, fmt.Errorf("a struct with %s", f.GetExpression().GetOperator())
		}
		key, err := filterExpr(pair[0], false)
		if err != nil {
			return nil, err
		}
		value, err := filterExpr(pair[1], false)
		if err != nil {
			return nil, err
		}
		pairs[expr.Print(key)] = fact.NewMapEntry(0, key, value, false)
	}
	var entries []ast.EntryExpr
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		entries = append(entries, pairs[key])
	}
	return fact.NewMap(0, entries), nil
}

func filterValue(v *structpb.Value, double bool) ast.Expr {
	switch k := v.GetKind().(type) {
	case *structpb.Value_ListValue:
		list := make([]ast.Expr, len(k.ListValue.GetValues()))
		for i, x := range k.ListValue.GetValues() {
			list[i] = filterValue(x, double)
		}
		return fact.NewList(0, list, nil)
	case *structpb.Value_StructValue:
		var entries []ast.EntryExpr
		for _, name := range slices.Sorted(maps.Keys(k.StructValue.GetFields())) {
			key := fact.NewLiteral(0, types.String(name))
			entries = append(entries, fact.NewMapEntry(0, key, filterValue(k.StructValue.GetFields()[name], double), false))
		}
		return fact.NewMap(0, entries)
	}
	return expr.Scalar(v, !double)
}
