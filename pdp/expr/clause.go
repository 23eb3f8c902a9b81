package expr

import (
	"slices"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/authz"
)

// Clause makes a clause of CEL in the words of conditions, none of no text.
func Clause(text string) authz.Clause {
	if text == "" {
		return authz.Clause{}
	}
	e, err := Parse(text)
	if err != nil {
		return authz.NewClause(text, authz.Reads{Policy: true})
	}
	var r clauseReads
	r.walk(e)
	return authz.NewClause(text, r.Reads)
}

// clauseReads collects what an expression in the words of conditions looks at.
// Macros have no variables with the names that things are read by; see [Hygienic].
type clauseReads struct{ authz.Reads }

func (r *clauseReads) walk(e ast.Expr) {
	if path, exact := Path(e); exact {
		r.read(path)
		return
	}
	if e.Kind() == ast.CallKind {
		name := e.AsCall().FunctionName()
		r.Clock = r.Clock || name == "now" || name == "timeSince"
	}
	for _, x := range Children(e) {
		r.walk(x)
	}
}

func (r *clauseReads) read(path []string) {
	below := path[1:]
	add := func(list *[][]string, path []string) {
		if !slices.ContainsFunc(*list, func(known []string) bool { return slices.Equal(known, path) }) {
			*list = append(*list, path)
		}
	}
	switch path[0] {
	case "arguments":
		add(&r.Arguments, below)
	case "principal":
		add(&r.Principal, append([]string{"attr"}, below...))
	case "resource":
		add(&r.Resource, append([]string{"attr"}, below...))
	case "P":
		add(&r.Principal, below)
	case "R":
		add(&r.Resource, below)
	case "request": // what is left of it is a token of the principal's, or all
		add(&r.Principal, below)
		if len(below) == 0 {
			add(&r.Resource, below)
		}
	case "V", "C", "G", "runtime":
		r.Policy = true
	}
}
