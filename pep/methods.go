package pep

import "github.com/mcpolicy/mcpolicy/authz"

// What stands in the requests of a [Method] for what differs from one to the next.
const (
	AnyServer    = "SERVER"
	AnyItem      = "NAME"
	AnyTag       = "TAG"
	AnyArguments = "ARGUMENTS"
)

// A Method is a method of MCP, and what an enforcement point asks about it.
type Method struct {
	Name     string
	List     bool
	Filter   authz.Filter // of a list
	Grant    *Grant       // that a list is filtered by, or nil
	Requests []authz.Request
	Refusal  *authz.Refusal // set if all requests of the method are refused without asking
}

// Methods says what the enforcement point asks about each method, in the order of
// [Endpoints]. The list of a profile that filters it by what becomes of calls has no requests
// of its own.
func (p *Profile) Methods() []Method {
	var list []Method
	for _, name := range endpointNames {
		t, op := operationOf(name)
		m := Method{Name: name, List: op == authz.List}
		if m.List {
			m.Filter, m.Grant = p.Filter(t), p.Grant(t)
		}
		if m.Filter != authz.FilterCall && m.Filter != authz.FilterPossible {
			for _, r := range p.Ask(Item{Type: t, Name: AnyItem, Tags: []string{AnyTag}}, op).Requests {
				if r.By != nil {
					m.Refusal = r.By.Refuses()
				}
				if m.Refusal != nil {
					continue
				}
				if r.Unknown != nil && r.Unknown[0] != authz.HiddenArguments {
					r.Resource.Attr = authz.WithValue(r.Resource.Attr, r.Unknown, AnyArguments)
				}
				m.Requests = append(m.Requests, r)
			}
		}
		list = append(list, m)
	}
	return list
}

// operationOf returns the type of item and the operation of which the method is.
func operationOf(method string) (authz.ItemType, authz.Operation) {
	for _, t := range authz.ItemTypes() {
		for _, op := range []authz.Operation{authz.List, t.Use()} {
			if Endpoint(t, op) == method {
				return t, op
			}
		}
	}
	panic("pep: " + method)
}
