package pdp

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// An Expression is CEL in the context of a policy rule, which gives it its
// variables and constants.
type Expression struct {
	Rule string // the ID of the rule, as in [authz.RuleRef]
	// DerivedRole, if set, names the derived role of the rule's whose context
	// it is instead.
	DerivedRole string
	Text        string
}

// A Value is what an expression came to for one request.
type Value struct {
	V     any    // a JSON value; timestamps and durations are strings
	Error string // why there is none, or ""
}

// A Look is something that an expression looks at.
type Look struct {
	// Name is how its author names it, less what makes it optional:
	// R.attr.arguments.region.
	Name string
	// Clock is set for the time, now(), which no request says.
	Clock bool

	// Path is where it stands in a request, in the short names: R attr arguments region.
	Path []string
	// Fixed is the value of what is the same for all requests.
	Fixed *Value
}

// Missing is the error of a value that is not there.
const Missing = "missing"

// In returns what stands there for a request. It is not known of what the request
// leaves open, of the clock, and of all attributes together, which tell nothing.
func (l Look) In(r *authz.Request) (v Value, known bool) {
	if l.Fixed != nil {
		return *l.Fixed, true
	}
	if r.By != nil {
		sent, refusal := r.Sent()
		if refusal != nil {
			return Value{}, false
		}
		r = &sent
	}
	p, open := r.Principal, r.Unknown
	if r.Made != nil && l.Path[0] == "R" && len(l.Path) > 1 {
		sent, _ := r.Sent()
		if m, _ := authz.MadeAt(sent.Made, l.Path[1:]); m != nil {
			return Value{}, false
		}
		r = &sent
	}
	switch {
	case len(l.Path) < 2 || len(l.Path) == 2 && l.Path[1] == "attr":
		return Value{}, false
	case l.Path[0] == "P":
		return *ValueAt(map[string]any{
			"id": p.ID, "roles": p.Roles, "attr": p.Attr, "policyVersion": p.PolicyVersion, "scope": p.Scope,
		}, l.Path[1:]), !r.AnyPrincipal
	case l.Path[0] == "R" && l.Path[1] == "attr" && open != nil && expr.Within(l.Path[2:], open):
		return Value{}, false
	case l.Path[0] == "R":
		return *ValueAt(map[string]any{
			"kind": r.Resource.Kind, "id": r.Resource.ID, "attr": r.Resource.Attr,
			"policyVersion": r.Resource.PolicyVersion, "scope": r.Resource.Scope,
		}, l.Path[1:]), true
	case len(l.Path) > 3 && l.Path[2] == "jwt" && (l.Path[1] == "auxData" || l.Path[1] == "aux_data"):
		return *ValueAt(p.AuxData, l.Path[3:]), !r.AnyPrincipal
	case len(l.Path) > 5 && l.Path[2] == "jwts" && l.Path[4] == "claims" && (l.Path[1] == "auxData" || l.Path[1] == "aux_data"):
		return *ValueAt(p.JWTs[l.Path[3]], l.Path[5:]), !r.AnyPrincipal
	}
	return Value{}, false
}

// ValueAt follows a path into a value.
func ValueAt(v any, path []string) *Value {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if ok {
			v, ok = m[name]
		}
		if !ok {
			return &Value{Error: Missing}
		}
	}
	return &Value{V: v}
}

// An Operand is something that an expression reads.
type Operand struct {
	Text string // as it stands in the expression
	Name string // as conditions spell it: arguments.region
	Open bool   // it depends on what the request leaves open
}
