package pep

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A template is a request with placeholders. An attribute that is nothing but a
// placeholder keeps its type; {arguments} and {tags} can only stand so.
type template struct {
	kind, id, action, policyVersion, scope text
	attr                                   map[string]any // with a text for each string
}

// render fills a template in. The place of the arguments is left unknown.
func (t *template) render(v *values) authz.Request {
	r := authz.Request{
		Action: t.action.fill(v),
		Resource: authz.Resource{
			Kind: t.kind.fill(v), ID: t.id.fill(v), PolicyVersion: t.policyVersion.fill(v), Scope: t.scope.fill(v),
		},
	}
	r.Resource.Attr, r.Unknown = renderMap(t.attr, v, nil)
	return r
}

func renderMap(m map[string]any, values *values, path []string) (rendered map[string]any, unknown []string) {
	if m == nil {
		return nil, nil
	}
	rendered = make(map[string]any, len(m))
	for k, v := range m {
		at := append(slices.Clone(path), k)
		switch v := v.(type) {
		case map[string]any:
			below, u := renderMap(v, values, at)
			rendered[k] = below
			if u != nil {
				unknown = u
			}
		case text:
			if v.is(arguments) {
				unknown = at
				continue
			}
			rendered[k] = renderValue(v, values)
		default:
			rendered[k] = renderValue(v, values)
		}
	}
	return rendered, unknown
}

func renderValue(v any, values *values) any {
	switch v := v.(type) {
	case text:
		if v.is(itemTags) {
			return values.tags
		}
		return v.fill(values)
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = renderValue(x, values)
		}
		return list
	case map[string]any:
		rendered, _ := renderMap(v, values, nil) // in a list, where {arguments} cannot stand
		return rendered
	}
	return v
}

// compileValue takes the strings of an attribute apart, and those that name
// what is below it.
func compileValue(v any) any {
	switch v := v.(type) {
	case string:
		t, _ := parse(v)
		return t
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = compileValue(x)
		}
		return list
	case map[string]any:
		return compileMap(v)
	}
	return v
}

func compileMap(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	compiled := make(map[string]any, len(m))
	for k, v := range m {
		name, _ := parse(k)
		compiled[name.fill(&values{})] = compileValue(v)
	}
	return compiled
}
