package pep

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A template is a request with placeholders. A value that is nothing but a
// placeholder keeps its type; {arguments} can only stand so.
type template struct {
	kind, id, action string
	policyVersion    string
	scope            string
	attr             map[string]any
}

var placeholder = regexp.MustCompile(`\{([A-Za-z_]*)\}`)

var placeholders = []string{"server", "name", "type", "tags", "arguments"}

// render fills a template in. The place of the arguments is left unknown.
func (t template) render(values map[string]any) authz.Request {
	text := func(s string) string {
		return placeholder.ReplaceAllStringFunc(s, func(m string) string {
			v, _ := values[m[1:len(m)-1]].(string)
			return v
		})
	}
	r := authz.Request{
		Action: text(t.action),
		Resource: authz.Resource{
			Kind: text(t.kind), ID: text(t.id), PolicyVersion: text(t.policyVersion), Scope: text(t.scope),
		},
	}
	r.Resource.Attr, r.Unknown = renderMap(t.attr, values, text, nil)
	return r
}

func renderMap(m map[string]any, values map[string]any, text func(string) string, path []string) (rendered map[string]any, unknown []string) {
	if m == nil {
		return nil, nil
	}
	rendered = make(map[string]any, len(m))
	for k, v := range m {
		at := append(slices.Clone(path), k)
		switch v := v.(type) {
		case map[string]any:
			below, u := renderMap(v, values, text, at)
			rendered[k] = below
			if u != nil {
				unknown = u
			}
		case []any:
			list := make([]any, len(v))
			for i, x := range v {
				list[i] = renderValue(x, values, text)
			}
			rendered[k] = list
		case string:
			if v == "{arguments}" {
				unknown = at
				continue
			}
			rendered[k] = renderValue(v, values, text)
		default:
			rendered[k] = v
		}
	}
	return rendered, unknown
}

func renderValue(v any, values map[string]any, text func(string) string) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	if m := placeholder.FindStringSubmatch(s); m != nil && m[0] == s {
		return values[m[1]]
	}
	return text(s)
}

// A Spec declares what a custom profile does about one MCP method.
type Spec struct {
	Endpoint string
	Filter   Filter // for lists; other methods have none
	Requests []RequestSpec
	Pos      source.Pos
}

// A RequestSpec is one request of a [Spec], with placeholders.
type RequestSpec struct {
	Kind, ID, Action     string
	PolicyVersion, Scope string
	Attr                 map[string]any
	Pos                  source.Pos
}

// Custom returns a declared profile in front of a server. All mistakes in the
// declaration are reported, joined, each a *source.Error.
func Custom(name, server string, specs []Spec) (*Profile, error) {
	p := &Profile{Name: name, server: server, admitted: validation, operations: map[string]operation{}}
	var errs []error
	for _, s := range specs {
		if !slices.Contains(Endpoints, s.Endpoint) {
			errs = append(errs, source.Errorf(s.Pos, "no MCP method is called %q%s", s.Endpoint, source.DidYouMean(s.Endpoint, Endpoints)))
			continue
		}
		errs = append(errs, checkSpec(s)...)
		o := operation{filter: s.Filter}
		for _, r := range s.Requests {
			errs = append(errs, checkRequest(r, s)...)
			o.requests = append(o.requests, template{
				kind: r.Kind, id: r.ID, action: r.Action, policyVersion: r.PolicyVersion, scope: r.Scope, attr: r.Attr,
			})
		}
		p.operations[s.Endpoint] = o
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, nil
}

func checkSpec(s Spec) []error {
	asks := s.Filter == GateOnly || s.Filter == ByOwn
	switch {
	case !strings.HasSuffix(s.Endpoint, "/list"):
	case asks && len(s.Requests) == 0:
		return []error{source.Errorf(s.Pos, "%s: filter %v needs requests", s.Endpoint, s.Filter)}
	case !asks && len(s.Requests) > 0:
		return []error{source.Errorf(s.Pos, "%s: filter %v sends no requests of its own", s.Endpoint, s.Filter)}
	}
	return nil
}

func checkRequest(r RequestSpec, s Spec) []error {
	var errs []error
	for _, required := range []struct{ name, value string }{{"kind", r.Kind}, {"id", r.ID}, {"action", r.Action}} {
		if required.value == "" {
			errs = append(errs, source.Errorf(r.Pos, "%s: a request needs %s", s.Endpoint, required.name))
		}
	}
	check := func(text string, whole bool) {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			switch {
			case !slices.Contains(placeholders, m[1]):
				errs = append(errs, source.Errorf(r.Pos, "%s: unknown placeholder %s%s", s.Endpoint, m[0], source.DidYouMean(m[1], placeholders)))
			case (m[1] == "arguments" || m[1] == "tags") && (!whole || m[0] != text):
				errs = append(errs, source.Errorf(r.Pos, "%s: %s can only be the whole of an attribute's value", s.Endpoint, m[0]))
			case m[1] == "name" && s.Filter == GateOnly && strings.HasSuffix(s.Endpoint, "/list"):
				errs = append(errs, source.Errorf(r.Pos, "%s: a gate is asked about once for the list, so there is no {name}", s.Endpoint))
			}
		}
	}
	for _, text := range []string{r.Kind, r.ID, r.Action, r.PolicyVersion, r.Scope} {
		check(text, false)
	}
	arguments := 0
	var walk func(v any, inList bool)
	walk = func(v any, inList bool) {
		switch v := v.(type) {
		case string:
			check(v, true)
			if v == "{arguments}" {
				arguments++
				if inList {
					errs = append(errs, source.Errorf(r.Pos, "%s: {arguments} cannot stand in a list", s.Endpoint))
				}
			}
		case []any:
			for _, x := range v {
				walk(x, true)
			}
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(v[name], inList)
			}
		}
	}
	walk(r.Attr, false)
	if arguments > 1 {
		errs = append(errs, source.Errorf(r.Pos, "%s: {arguments} can stand in one place only", s.Endpoint))
	}
	return errs
}
