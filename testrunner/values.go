package testrunner

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// missing is the value of what is not there.
const missing = "missing"

// values returns what the conditions of the deciding rules read, in the order
// in which they read it. Nothing is evaluated: paths are looked up in the
// request that the rule is about.
func (b bound) values(p *authz.Principal, policies *policy.Set) []Value {
	if b.Cell.Access == matrix.Conditional { // the condition has them
		return nil
	}
	v := reader{principal: p, policies: policies, options: b.options, seen: map[string]bool{}}
	for _, r := range b.Deciding() {
		if r.Syntax == nil || r.Syntax.Condition == nil {
			continue
		}
		request := requestOf(b.column.Question.Requests, r.Syntax)
		if request == nil {
			continue
		}
		v.request = *request
		if b.Arguments != nil {
			v.request = pep.Bind(*request, b.Arguments)
		}
		v.policy = r.Syntax.Policy
		for text := range r.Syntax.Condition.Exprs() {
			v.read(text.Value)
		}
	}
	return v.values
}

// requestOf returns the request that a rule covers, or nil.
func requestOf(requests []authz.Request, r *policy.Rule) *authz.Request {
	for i := range requests {
		if r.CoversKind(requests[i].Resource.Kind) && r.CoversAction(requests[i].Action) {
			return &requests[i]
		}
	}
	return nil
}

// A reader looks up what the expressions of a policy refer to.
type reader struct {
	principal *authz.Principal
	request   authz.Request
	policy    *policy.Policy
	policies  *policy.Set
	options   *Options
	seen      map[string]bool
	values    []Value
}

func (v *reader) read(expr string) {
	for _, path := range references(expr) {
		name := spell(path)
		if v.seen[name] {
			continue
		}
		v.seen[name] = true
		switch path[0] {
		case "V", "variables":
			if definition := v.variable(path); definition != "" {
				v.read(definition)
			}
			continue
		case "C", "constants":
			if value, ok := v.constant(path); ok {
				v.values = append(v.values, Value{name, asJSON(value)})
			}
			continue
		case "now":
			if now := v.options.Now; !now.IsZero() {
				v.values = append(v.values, Value{"now()", now.Format(time.RFC3339Nano)})
			}
			continue
		}
		if value, known := v.lookUp(path); known {
			v.values = append(v.values, Value{name, value})
		}
	}
}

func (v *reader) variable(path []string) string {
	find := func(list []policy.Variable) string {
		for _, x := range list {
			if x.Name.Value == path[1] {
				return x.Expr.Value
			}
		}
		return ""
	}
	if x := find(v.policy.Variables.Local); x != "" {
		return x
	}
	for _, imported := range v.policy.Variables.Imports {
		if set := v.policies.Import(policy.ExportVariables, imported.Value); set != nil {
			if x := find(set.Variables.Local); x != "" {
				return x
			}
		}
	}
	return ""
}

func (v *reader) constant(path []string) (any, bool) {
	find := func(list []policy.Constant) (any, bool) {
		for _, x := range list {
			if x.Name.Value == path[1] {
				return below(x.Value, path[2:])
			}
		}
		return nil, false
	}
	if x, ok := find(v.policy.Constants.Local); ok {
		return x, true
	}
	for _, imported := range v.policy.Constants.Imports {
		if set := v.policies.Import(policy.ExportConstants, imported.Value); set != nil {
			if x, ok := find(set.Constants.Local); ok {
				return x, true
			}
		}
	}
	return nil, false
}

// lookUp returns the value of a path as JSON, or missing. What is not known,
// or not something that tells cases apart, is left out.
func (v *reader) lookUp(path []string) (value string, known bool) {
	var root map[string]any
	switch {
	case path[0] == "P":
		path = path[1:]
		root = v.ofPrincipal()
	case path[0] == "R":
		path = path[1:]
		root = v.ofResource()
	case len(path) > 2 && path[0] == "request" && path[1] == "principal":
		path = path[2:]
		root = v.ofPrincipal()
	case len(path) > 2 && path[0] == "request" && path[1] == "resource":
		path = path[2:]
		root = v.ofResource()
	case len(path) > 3 && path[0] == "request" && (path[1] == "auxData" || path[1] == "aux_data") && path[2] == "jwt":
		path = path[2:]
		root = map[string]any{"jwt": v.principal.AuxData}
	case len(path) > 5 && path[0] == "request" && (path[1] == "auxData" || path[1] == "aux_data") && path[2] == "jwts" && path[4] == "claims":
		root = v.principal.JWTs[path[3]]
		path = path[5:]
	case (path[0] == "G" || path[0] == "globals") && v.options.Globals != nil:
		path = path[1:]
		root = v.options.Globals
	default: // what the engine has for globals is not known here
		return "", false
	}
	if len(path) == 1 && path[0] == "attr" {
		return "", false // all of them
	}
	if open := v.request.Unknown; open != nil && path[0] == "attr" {
		n := min(len(open), len(path)-1)
		if slices.Equal(open[:n], path[1:n+1]) {
			return "", false
		}
	}
	x, ok := below(root, path)
	if !ok {
		return missing, true
	}
	return asJSON(x), true
}

func (v *reader) ofPrincipal() map[string]any {
	return map[string]any{"id": v.principal.ID, "roles": v.principal.Roles, "attr": v.principal.Attr}
}

func (v *reader) ofResource() map[string]any {
	return map[string]any{"kind": v.request.Resource.Kind, "id": v.request.Resource.ID, "attr": v.request.Resource.Attr}
}

// below follows a path into a value.
func below(x any, path []string) (any, bool) {
	for _, name := range path {
		m, ok := x.(map[string]any)
		if !ok {
			return nil, false
		}
		if x, ok = m[name]; !ok {
			return nil, false
		}
	}
	return x, true
}

func asJSON(x any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(x); err != nil {
		return missing // never: these are JSON values
	}
	return strings.TrimSpace(b.String())
}
