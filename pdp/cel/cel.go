package cel

import "github.com/google/cel-go/common/ast"

// Fact makes expressions.
var Fact = ast.NewExprFactory()
