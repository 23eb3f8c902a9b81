package pep

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// ReadsOfPrincipal lists what of the principal makes a difference to what is sent, or to what
// a grant names.
func (s *Spec) ReadsOfPrincipal() []authz.Origin {
	var list []authz.Origin
	if s.Grant != nil && s.Grant.Attr != nil {
		list = append(list, s.Grant.Attr)
	}
	for i := range s.Requests {
		t := s.Requests[i].template()
		for _, text := range []text{t.kind, t.id, t.action, t.policyVersion, t.scope} {
			list = append(list, text.ofPrincipal()...)
		}
		list = append(list, ofPrincipal(t.attr)...)
	}
	return list
}

// ReadsOfPrincipal lists what of the principal makes a difference to what is sent.
func (w *With) ReadsOfPrincipal() []authz.Origin {
	kind, _ := parse(w.ResourceKind)
	action, _ := parse(w.Action)
	return append(kind.ofPrincipal(), action.ofPrincipal()...)
}

func (t text) ofPrincipal() []authz.Origin {
	var list []authz.Origin
	for _, p := range t {
		if !p.placeholder || !strings.HasPrefix(p.text, "principal.") {
			continue
		}
		list = append(list, p.origin(nil))
	}
	return list
}

func ofPrincipal(v any) []authz.Origin {
	var list []authz.Origin
	switch v := v.(type) {
	case map[string]any:
		for _, below := range v {
			list = append(list, ofPrincipal(below)...)
		}
	case text:
		return v.ofPrincipal()
	case *table:
		return text{v.by}.ofPrincipal()
	}
	return list
}

// CheckItems reports what a declaration and the items of a server do not agree on: tables that
// lack an item or have one that is not there, and arguments that no item takes. Whole says
// that the server has no other items. Mistakes are joined, each a *source.Error.
func (s *Spec) CheckItems(items []Item, whole bool) error {
	var of []Item
	for _, i := range items {
		op := authz.List
		if !s.isList() {
			op = i.Type.Use()
		}
		if Endpoint(i.Type, op) == s.Endpoint {
			of = append(of, i)
		}
	}
	var errs []error
	for i := range s.Requests {
		r := &s.Requests[i]
		_, attr := field(r.Node, "attr")
		for _, name := range slices.Sorted(maps.Keys(r.Attr)) {
			m, _ := r.Attr[name].(map[string]any)
			if at, _ := field(attr, name); isTable(m) {
				errs = append(errs, s.checkTable(compileTable(m), of, whole, cmp.Or(at, r.Pos), name))
			}
		}
		if whole {
			errs = append(errs, s.checkArguments(r, of))
		}
	}
	return errors.Join(errs...)
}

// checkTable reports items that a table by name has no value for, and entries for none.
func (s *Spec) checkTable(t *table, items []Item, whole bool, pos source.Pos, attribute string) error {
	if t.by.text != itemName {
		return nil
	}
	var names, lacking []string
	used := map[string]bool{}
	for i := range items {
		name := items[i].Name
		names = append(names, name)
		if key, ok := t.key(name); ok {
			used[key] = true
		} else if !t.hasElse {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		slices.Sort(lacking)
		return source.Errorf(pos, "%s: %s has no value for %s: give it one, or a default", s.Endpoint, attribute, strings.Join(lacking, ", "))
	}
	for _, key := range slices.Sorted(maps.Keys(t.values)) {
		if whole && !used[key] {
			return source.Errorf(pos, "%s: %s has a value for %q, which the server does not have%s", s.Endpoint, attribute, key, source.DidYouMean(key, names))
		}
	}
	return nil
}

// checkArguments reports arguments that no item takes, if all say what they take.
func (s *Spec) checkArguments(r *RequestSpec, items []Item) error {
	if len(items) == 0 || s.isList() {
		return nil
	}
	var known []string
	for i := range items {
		properties, ok := within(items[i].Schema, []string{"properties"})
		m, isMapping := properties.(map[string]any)
		if !ok || !isMapping {
			return nil
		}
		known = append(known, slices.Sorted(maps.Keys(m))...)
	}
	var errs []error
	for _, part := range r.texts() {
		t, _ := parse(part.value)
		for _, p := range t {
			if path, ok := p.path(ofArguments); ok && !slices.Contains(known, path[0]) {
				errs = append(errs, source.Errorf(cmp.Or(part.pos, r.Pos), "%s: %s: no item has an argument %s%s", s.Endpoint, braced(p.text), path[0], source.DidYouMean(path[0], known)))
			}
		}
	}
	return errors.Join(errs...)
}

// A part is a text of a request, and where it stands.
type part struct {
	value string
	pos   source.Pos
}

// texts lists the texts of a request.
func (r *RequestSpec) texts() []part {
	var list []part
	for _, p := range []struct{ key, value string }{
		{"kind", r.Kind}, {"id", r.ID}, {"action", r.Action}, {"policyVersion", r.PolicyVersion}, {"scope", r.Scope},
	} {
		_, n := field(r.Node, p.key)
		list = append(list, part{p.value, posOf(n, r.Pos)})
	}
	_, n := field(r.Node, "attr")
	return append(list, textsIn(r.Attr, n, posOf(n, r.Pos))...)
}

func textsIn(v any, n *source.Node, pos source.Pos) []part {
	var list []part
	switch v := v.(type) {
	case string:
		return []part{{v, posOf(n, pos)}}
	case map[string]any:
		if isTable(v) {
			by, _ := v[tableBy].(string)
			return []part{{braced(strings.Trim(by, "{}")), posOf(n, pos)}}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			_, below := field(n, key)
			list = append(list, textsIn(v[key], below, posOf(n, pos))...)
		}
	}
	return list
}
