package cel

import "github.com/google/cel-go/common/ast"

// fact makes expressions.
var fact = ast.NewExprFactory()
