package cel

import (
	"slices"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A Scope is what the expressions of a policy see, to estimate what they take.
type Scope struct {
	definitions *definitions
	constants   pdp.Extent
	costs       costs
}

// NewScope returns the scope of variables and constants.
func NewScope(variables map[string]string, constants map[string]any) *Scope {
	d := newDefinitions(variables, nil)
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
