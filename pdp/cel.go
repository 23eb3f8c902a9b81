package pdp

import (
	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// What most of the package says of expressions.
var (
	fact       = ast.NewExprFactory()
	parseCEL   = expr.Parse
	printCEL   = expr.Print
	pathOf     = expr.Path
	children   = expr.Children
	rewrite    = expr.Rewrite
	bound      = expr.Bound
	hygienic   = expr.Hygienic
	negate     = expr.Negate
	shorten    = expr.Shorten
	scalar     = expr.Scalar
	isOptional = expr.IsOptional
)
