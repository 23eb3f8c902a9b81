package cel

import (
	"math"
	"slices"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// definitions are the variables that the expressions of a policy see. Each is
// parsed once, and what follows from it is worked out once: variables that name
// each other twice, forty in a row, stand for more than any tree can hold.
type definitions struct {
	of map[string]*definition
	// most is the size from which on a definition is not put in the place of
	// its variable.
	most int
}

type definition struct {
	text   string
	parsed bool
	expr   ast.Expr // nil if the text cannot be parsed
	size   int      // nodes, with the variables that it names put in; 0 if it is not known yet

	replaced    bool
	replacement ast.Expr // what is put in the place of the variable; nil if it cannot be parsed
}

// mostCopies is how much larger than the variables themselves an expression may
// get by putting them in, mostNodes is what any expression may have, and maxNodes
// is more than any may.
const mostCopies, mostNodes, maxNodes = 8, 1 << 12, 1 << 18

func newDefinitions(variables map[string]string) *definitions {
	d := &definitions{of: make(map[string]*definition, len(variables)), most: mostNodes}
	for name, text := range variables {
		d.of[name] = &definition{text: text}
		d.most = min(d.most+mostCopies*len(text), maxNodes)
	}
	return d
}

// named returns the definition of a variable; nil if there is none, or if it
// cannot be parsed.
func (d *definitions) named(name string) ast.Expr {
	v := d.of[name]
	if v == nil {
		return nil
	}
	if !v.parsed {
		v.parsed = true
		if e, err := expr.Parse(v.text); err == nil {
			v.expr = e
		}
	}
	return v.expr
}

// replacement returns what can stand in the place of a variable, or nil.
func (d *definitions) replacement(name string) ast.Expr {
	v := d.of[name]
	if v == nil {
		return nil
	}
	if !v.replaced {
		v.replaced = true
		parsed, err := parseHygienic(v.text)
		if err != nil {
			return nil
		}
		if isOptionalType(v.text) {
			// A variable holds what is in an optional, or null.
			parsed = fact.NewMemberCall(0, "orValue", parsed, fact.NewLiteral(0, types.NullValue))
		}
		v.replacement = parsed
	}
	return v.replacement
}

// fits reports whether an expression stays of a size to be worked with if all
// that its variables stand for is put in.
func (d *definitions) fits(e ast.Expr) bool { return d.size(e)-nodes(e) <= d.most }

// nodes counts those of an expression as it stands.
func nodes(e ast.Expr) int {
	n := 1
	for _, x := range expr.Children(e) {
		n += nodes(x)
	}
	return n
}

// size counts the nodes of an expression with its variables put in.
func (d *definitions) size(e ast.Expr) int {
	if name, ok := variableOf(e); ok {
		if definition := d.named(name); definition != nil {
			v := d.of[name]
			if v.size == 0 {
				v.size = d.size(definition)
			}
			return v.size
		}
	}
	n := 1
	for _, x := range expr.Children(e) {
		n = min(n+d.size(x), math.MaxInt32)
	}
	return n
}

// variableOf returns the name of the variable that an expression is.
func variableOf(e ast.Expr) (name string, ok bool) {
	path, ok := expr.Path(e)
	if !ok || len(path) != 2 || path[0] != "V" {
		return "", false
	}
	return path[1], true
}

// A Scope is what the expressions of a policy see, to estimate what they take.
type Scope struct {
	definitions *definitions
	constants   pdp.Extent
	costs       costs
}

// NewScope returns the scope of variables and constants.
func NewScope(variables map[string]string, constants map[string]any) *Scope {
	d := newDefinitions(variables)
	return &Scope{definitions: d, constants: ExtentOf(constants), costs: costs{d, map[string]float64{}}}
}

// Cost estimates what an expression takes, to compare it with others: the nodes
// that are evaluated, variables put in, and loops as often as they go round.
func (s *Scope) Cost(text string) float64 {
	e, err := expr.Parse(text)
	if err != nil {
		return 0
	}
	return s.costs.of(e)
}

type costs struct {
	definitions *definitions
	known       map[string]float64 // of variables
}

// onceOnly are the macros that bind a variable without going through a list.
var onceOnly = []string{"bind", "optMap", "optFlatMap"}

// usualSize is that of a list or a text of which nothing is known.
const usualSize = 100

func (c costs) of(e ast.Expr) float64 {
	if name, ok := variableOf(e); ok {
		cost, known := c.known[name]
		if definition := c.definitions.named(name); definition != nil && !known {
			cost = c.of(definition)
			c.known[name] = cost
		}
		return 1 + cost
	}
	if e.Kind() == ast.CallKind && e.AsCall().IsMemberFunction() {
		call := e.AsCall()
		inner := 0.0
		for _, a := range call.Args() {
			inner += c.of(a)
		}
		switch {
		case call.FunctionName() == "replace":
			return (1 + inner) * c.of(call.Target())
		case len(expr.Bound(call)) > 0 && !slices.Contains(onceOnly, call.FunctionName()):
			rounds := float64(usualSize)
			if call.Target().Kind() == ast.ListKind {
				rounds = float64(call.Target().AsList().Size())
			}
			return c.of(call.Target()) + rounds*inner
		}
	}
	cost := 1.0
	for _, x := range expr.Children(e) {
		cost += c.of(x)
	}
	return cost
}

// WalkCondition calls f with each expression of a condition.
func WalkCondition(c *runtimev1.Condition, f func(*runtimev1.Expr)) {
	list := func(of *runtimev1.Condition_ExprList) {
		for _, x := range of.GetExpr() {
			WalkCondition(x, f)
		}
	}
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_All:
		list(op.All)
	case *runtimev1.Condition_Any:
		list(op.Any)
	case *runtimev1.Condition_None:
		list(op.None)
	case *runtimev1.Condition_Expr:
		f(op.Expr)
	}
}

func variablesOf(params *runtimev1.RuleTable_RuleRow_Params) map[string]string {
	return variables(params.GetOrderedVariables())
}

// variables maps the variables that a policy's expressions see to their
// definitions.
func variables(list []*runtimev1.Variable) map[string]string {
	m := make(map[string]string, len(list))
	for _, v := range list {
		m[v.GetName()] = v.GetExpr().GetOriginal()
	}
	return m
}

// ExpressionsOf lists the expressions of a condition after the definitions of
// the variables that these use.
func ExpressionsOf(c *runtimev1.Condition, params *runtimev1.RuleTable_RuleRow_Params) []string {
	variables := variablesOf(params)
	var list []string
	var use func(e ast.Expr)
	add := func(text string) {
		if slices.Contains(list, text) {
			return
		}
		if e, err := expr.Parse(text); err == nil {
			use(e)
		}
		list = append(list, text)
	}
	use = func(e ast.Expr) {
		if path, _ := expr.Path(e); len(path) > 1 && path[0] == "V" {
			if definition, known := variables[path[1]]; known {
				add(definition)
			}
		}
		for _, x := range expr.Children(e) {
			use(x)
		}
	}
	WalkCondition(c, func(x *runtimev1.Expr) { add(x.GetOriginal()) })
	return list
}
