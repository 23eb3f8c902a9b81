package pdp

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// reads is what expressions look at, as far as it tells requests apart.
type reads struct {
	principalAttr paths
	resourceAttr  paths
	principalID   bool
	roles         bool // P.roles as a list
	derivedRoles  bool // the effective derived roles, and so whatever those read
	auxData       bool
	other         bool // something that is not understood: everything counts
	variables     bool // policy variables, whose own reads count too
}

// paths is a set of attribute paths. The empty path stands for all attributes.
type paths map[string][]string

func (p *paths) add(path []string) {
	if *p == nil {
		*p = paths{}
	}
	(*p)[strings.Join(path, "\x00")] = path
}

// sorted returns the paths without those below another.
func (p paths) sorted() [][]string {
	list := make([][]string, 0, len(p))
	for _, path := range p {
		list = append(list, path)
	}
	slices.SortFunc(list, slices.Compare)
	var tops [][]string
	for _, path := range list {
		if n := len(tops); n == 0 || len(tops[n-1]) > len(path) || !slices.Equal(tops[n-1], path[:len(tops[n-1])]) {
			tops = append(tops, path)
		}
	}
	return tops
}

func (r *reads) merge(o *reads) {
	for _, p := range o.principalAttr {
		r.principalAttr.add(p)
	}
	for _, p := range o.resourceAttr {
		r.resourceAttr.add(p)
	}
	r.principalID = r.principalID || o.principalID
	r.roles = r.roles || o.roles
	r.derivedRoles = r.derivedRoles || o.derivedRoles
	r.auxData = r.auxData || o.auxData
	r.other = r.other || o.other
	r.variables = r.variables || o.variables
}

// readsOf collects what an expression looks at. An expression that cannot be
// parsed may look at everything.
func readsOf(text string) *reads {
	r := &reads{}
	e, err := expr.Parse(text)
	if err != nil {
		r.other = true
		return r
	}
	r.walk(e)
	return r
}

func (r *reads) walk(e ast.Expr) {
	path, exact := expr.Path(e)
	if len(path) > 0 && r.root(path) && exact {
		return
	}
	for _, x := range expr.Children(e) {
		r.walk(x)
	}
}

// root notes a path, and reports whether it begins with one of Cerbos's names.
func (r *reads) root(path []string) bool {
	switch path[0] {
	case "P":
		if len(path) == 1 {
			r.other = true
			return true
		}
		switch path[1] {
		case "attr":
			r.principalAttr.add(path[2:])
		case "id":
			r.principalID = true
		case "roles":
			r.roles = true
		case "scope", "policyVersion", "policy_version": // told apart anyway
		default:
			r.other = true
		}
	case "R":
		if len(path) == 1 || path[1] != "attr" {
			r.resourceAttr.add(nil) // the id and the kind differ with the item
			return true
		}
		r.resourceAttr.add(path[2:])
	case "request":
		if len(path) == 1 {
			r.other = true
		}
		r.auxData = true
	case "runtime":
		r.derivedRoles = true
	case "V":
		r.variables = true
	case "C", "G":
	default:
		return false
	}
	return true
}
