package pep

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// What stands in the requests of a [Method] for what differs from one to the next.
const (
	AnyServer    = "SERVER"
	AnyItem      = "NAME"
	AnyTag       = "TAG"
	AnyArguments = "ARGUMENTS"
	AnyValue     = "VALUE"
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
			item := Item{Type: t, Name: AnyItem, Tags: []string{AnyTag}}
			requests := p.Ask(item, op).Requests
			item.Any = true
			for i, open := range p.Ask(item, op).Requests {
				r := requests[i]
				if r.By != nil {
					m.Refusal = r.By.Refuses()
				}
				if m.Refusal != nil {
					continue
				}
				if r.Unknown != nil && r.Unknown[0] != authz.HiddenArguments {
					r.Resource.Attr = authz.WithValue(r.Resource.Attr, r.Unknown, AnyArguments)
				}
				r.Resource.Attr = withMade(r.Resource.Attr, open.Made, AnyValue)
				r.Resource.Attr = withMade(r.Resource.Attr, r.Made, "{"+unknownOne+"}")
				m.Requests = append(m.Requests, r)
			}
		}
		list = append(list, m)
	}
	return list
}

// withMade adds the attributes that are made of the call, of who asks and of what is looked up
// by the placeholders that a profile has for them; lookedUp stands for the last.
func withMade(attr map[string]any, made []authz.Made, lookedUp string) map[string]any {
	for i := range made {
		m := &made[i]
		at := m.At[1:]
		switch {
		case m.At[0] != "attr", m.Text != nil: // a text stands in the request as it is made
			continue
		case len(at) == 0:
			at = []string{authz.AllAttributes}
		}
		attr = authz.WithValue(attr, at, placeholderOf(m, lookedUp))
	}
	return attr
}

// placeholderOf is the text that a profile has for a value.
func placeholderOf(m *authz.Made, lookedUp string) string {
	switch {
	case m.Table != nil, m.Unclear != "":
		return AnyValue
	case len(m.From) > 1 && m.From[1] == authz.LookedUp:
		return lookedUp
	}
	switch of := m.Else.(type) {
	case nil:
		return m.From.String()
	case *authz.Made:
		return m.From.String() + " or " + placeholderOf(of, lookedUp)
	}
	return m.From.String() + " or " + source.JSONText(m.Else)
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
