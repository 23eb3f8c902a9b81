package cel

import (
	"slices"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

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
