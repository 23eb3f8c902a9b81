package simplify

import (
	"slices"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

var fact = ast.NewExprFactory()

// A draft is a condition taken apart: drafts all of which have to be met, or alternatives.
type draft struct {
	all          []*draft
	alternatives []alternative
}

// An alternative has expressions that allow and that deny, nil for none.
type alternative struct{ allows, denies ast.Expr }

// draftOf returns nil for a condition that is long or not written down, or that looks at
// what only its policy has, or at the roles, of which not all need be known.
func draftOf(c authz.Condition) *draft {
	if c.IsZero() || !c.Written() || len(c.String()) > mostText {
		return nil
	}
	reads := c.Reads()
	if reads.Policy || slices.ContainsFunc(reads.Principal, func(path []string) bool { return len(path) == 0 || path[0] == "roles" }) {
		return nil
	}
	d := &draft{}
	for _, part := range c.Parts() {
		of := draftOf(part)
		if of == nil {
			return nil
		}
		d.all = append(d.all, of)
	}
	for _, a := range c.Alternatives() {
		allows, ok := parsed(a.Allows)
		denies, also := parsed(a.Denies)
		if !ok || !also {
			return nil
		}
		d.alternatives = append(d.alternatives, alternative{allows, denies})
	}
	return d
}

func parsed(c authz.Clause) (ast.Expr, bool) {
	if c.IsZero() {
		return nil, true
	}
	e, err := expr.Parse(c.String())
	return e, err == nil && !validates(e)
}

// validates reports whether an expression asks the schemas of policies.
func validates(e ast.Expr) bool {
	return expr.Validated(e) != "" || slices.ContainsFunc(expr.Children(e), validates)
}

// condition puts the draft of a condition together.
func (d *draft) condition() authz.Condition {
	if len(d.all) > 0 {
		list := make([]authz.Condition, len(d.all))
		for i, x := range d.all {
			list[i] = x.condition()
		}
		return authz.AllOf(list...)
	}
	list := make([]authz.Alternative, len(d.alternatives))
	for i, a := range d.alternatives {
		list[i] = authz.Alternative{Allows: clause(a.allows), Denies: clause(a.denies)}
	}
	return authz.AnyOf(list...)
}

func clause(e ast.Expr) authz.Clause {
	if e == nil {
		return authz.Clause{}
	}
	return expr.Clause(expr.Print(e))
}
