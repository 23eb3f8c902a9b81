package cel

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// Reads is what expressions look at, as far as it tells requests apart.
type Reads struct {
	principalAttr paths
	resourceAttr  paths
	PrincipalID   bool
	Roles         bool // P.roles as a list
	DerivedRoles  bool // the effective derived roles, and so whatever those read
	AuxData       bool
	Other         bool // something that is not understood: everything counts
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

// Merge adds what others look at.
func (r *Reads) Merge(o *Reads) {
	for _, p := range o.principalAttr {
		r.principalAttr.add(p)
	}
	for _, p := range o.resourceAttr {
		r.resourceAttr.add(p)
	}
	r.PrincipalID = r.PrincipalID || o.PrincipalID
	r.Roles = r.Roles || o.Roles
	r.DerivedRoles = r.DerivedRoles || o.DerivedRoles
	r.AuxData = r.AuxData || o.AuxData
	r.Other = r.Other || o.Other
	r.variables = r.variables || o.variables
}

// ReadsOf collects what an expression looks at. An expression that cannot be
// parsed may look at everything.
func ReadsOf(text string) *Reads {
	r := &Reads{}
	e, err := expr.Parse(text)
	if err != nil {
		r.Other = true
		return r
	}
	r.walk(e)
	return r
}

func (r *Reads) walk(e ast.Expr) {
	path, exact := expr.Path(e)
	if len(path) > 0 && r.root(path) && exact {
		return
	}
	for _, x := range expr.Children(e) {
		r.walk(x)
	}
}

// root notes a path, and reports whether it begins with one of Cerbos's names.
func (r *Reads) root(path []string) bool {
	switch path[0] {
	case "P":
		if len(path) == 1 {
			r.Other = true
			return true
		}
		switch path[1] {
		case "attr":
			r.principalAttr.add(path[2:])
		case "id":
			r.PrincipalID = true
		case "roles":
			r.Roles = true
		case "scope", "policyVersion", "policy_version": // told apart anyway
		default:
			r.Other = true
		}
	case "R":
		if len(path) == 1 || path[1] != "attr" {
			r.resourceAttr.add(nil) // the id and the kind differ with the item
			return true
		}
		r.resourceAttr.add(path[2:])
	case "request":
		if len(path) == 1 {
			r.Other = true
		}
		r.AuxData = true
	case "runtime":
		r.DerivedRoles = true
	case "V":
		r.variables = true
	case "C", "G":
	default:
		return false
	}
	return true
}

// ReadsWith is ReadsOf, with what the variables look at where the expression
// uses them.
func ReadsWith(text string, params *runtimev1.RuleTable_RuleRow_Params) *Reads {
	r := ReadsOf(text)
	if r.variables {
		for _, definition := range variablesOf(params) {
			r.Merge(ReadsOf(definition))
		}
	}
	return r
}

// PrincipalValues appends to a list what stands at the attributes of a principal that are
// read.
func (r *Reads) PrincipalValues(list []any, p *authz.Principal) []any {
	for _, path := range r.principalAttr.sorted() {
		list = append(list, at(p.Attr, path))
	}
	return list
}

// AllOfPrincipal adds all attributes of the principal.
func (r *Reads) AllOfPrincipal() { r.principalAttr.add(nil) }

// Values renders what the reads come to for a request, as a cache key.
func (r *Reads) Values(req *authz.Request) string {
	p := req.Principal
	list := []any{p.Scope, p.PolicyVersion}
	list = r.PrincipalValues(list, p)
	for _, path := range r.resourceAttr.sorted() {
		if len(path) == 0 {
			list = append(list, req.Resource)
			continue
		}
		list = append(list, at(req.Resource.Attr, path))
	}
	all := r.Other || r.DerivedRoles
	if r.PrincipalID || all {
		list = append(list, p.ID)
	}
	if r.Roles || all {
		list = append(list, p.Roles)
	}
	if r.AuxData || all {
		list = append(list, p.AuxData, p.JWTs)
	}
	if all {
		list = append(list, p.Attr, req.Resource)
	}
	list = append(list, req.Resource.Kind, req.Resource.Scope, req.Resource.PolicyVersion)
	b, err := json.Marshal(list)
	if err != nil {
		return fmt.Sprint(list...) // never: attributes are JSON values
	}
	return string(b)
}

// at returns the value at a path: [value] if it is there, else an empty list.
func at(attr map[string]any, path []string) []any {
	var v any = attr
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			// Not a mapping: what lies below depends on this value itself.
			return []any{v, name}
		}
		if v, ok = m[name]; !ok {
			return []any{}
		}
	}
	return []any{v}
}
