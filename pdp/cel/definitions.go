package cel

import (
	"math"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// definitions are the variables and constants that the expressions of a policy see; nil
// is none. Each variable is parsed once, and what follows from it is worked out once: variables that name
// each other twice, forty in a row, stand for more than any tree can hold.
type definitions struct {
	of map[string]*definition
	// most is the size from which on a definition is not put in the place of
	// its variable.
	most      int
	constants map[string]*structpb.Value
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

func newDefinitions(variables map[string]string, constants map[string]*structpb.Value) *definitions {
	d := &definitions{of: make(map[string]*definition, len(variables)), most: mostNodes, constants: constants}
	for name, text := range variables {
		d.of[name] = &definition{text: text}
		d.most = min(d.most+mostCopies*len(text), maxNodes)
	}
	return d
}

// definitionsOf returns what the expressions of a row see.
func definitionsOf(params *runtimev1.RuleTable_RuleRow_Params) *definitions {
	return newDefinitions(variablesOf(params), params.GetConstants())
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

// fits reports whether an expression stays of a size to be worked with if all
// that its variables stand for is put in.
func (d *definitions) fits(e ast.Expr) bool { return d == nil || d.size(e)-nodes(e) <= d.most }

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
