package pep

import (
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A template is a request with placeholders. An attribute that is nothing but a
// placeholder keeps its type.
type template struct {
	kind, id, action, policyVersion, scope text
	attr                                   map[string]any // with a text for each string, and a *table for each table
	spread                                 *spread
}

// A spread is the arguments as attributes of their own.
type spread struct {
	text text
	but  []string // the attributes that come later, and so win
}

// A looked is a value that is looked up, of which something is known.
type looked struct{ schema any }

// A rendering is a template that is filled in.
type rendering struct {
	*values
	made []authz.Made
	sent [][]string // where all arguments stand
}

// render fills a template in. The arguments are left unknown but in a list, where they are
// empty, and so is what is looked up.
func (t *template) render(v *values, list bool) authz.Request {
	x := &rendering{values: v}
	r := authz.Request{
		Action: x.text(t.action, "action"),
		Resource: authz.Resource{
			Kind: x.text(t.kind, "kind"), ID: x.text(t.id, "id"), PolicyVersion: x.text(t.policyVersion, "policyVersion"), Scope: x.text(t.scope, "scope"),
		},
	}
	r.Resource.Attr = x.mapping(t.attr, nil)
	if t.spread != nil {
		x.spread(&r, t.spread)
	}
	slices.SortFunc(x.sent, slices.Compare)
	for i := 1; i < len(x.sent); i++ { // the same ones once more
		x.made = append(x.made, authz.Made{At: append([]string{"attr"}, x.sent[i]...), From: authz.Origin{arguments}})
	}
	slices.SortFunc(x.made, func(a, b authz.Made) int { return slices.Compare(a.At, b.At) })
	r.Made = x.made
	ofCall, lookedUp := false, false
	for i := range r.Made {
		for _, o := range r.Made[i].Origins() {
			ofLookup := len(o) > 1 && o[1] == authz.LookedUp
			ofCall, lookedUp = ofCall || !o.OfPrincipal() && !ofLookup, lookedUp || ofLookup
		}
	}
	at := []string{authz.HiddenArguments}
	if len(x.sent) > 0 {
		at = x.sent[0]
	}
	if r.Made != nil {
		r.Arguments = at
	}
	if x.sent != nil || ofCall || lookedUp && !list {
		r.Unknown = at
	}
	if !list || r.Unknown == nil && !lookedUp {
		return r
	}
	r.Unknown = at
	r = Bind(r, nil)
	if lookedUp {
		r.Unknown = append(slices.Clone(at), authz.LookedUp)
	}
	return r
}

// text fills a text in that stands somewhere.
func (x *rendering) text(t text, at ...string) string {
	s, made := t.fill(x.values)
	if made != nil {
		x.made = append(x.made, authz.Made{At: at, Text: made})
	}
	return s
}

// mapping fills in attributes below a path.
func (x *rendering) mapping(m map[string]any, path []string) map[string]any {
	if m == nil {
		return nil
	}
	rendered := make(map[string]any, len(m))
	for k, v := range m {
		if v, ok := x.attribute(v, path, k); ok {
			rendered[k] = v
		}
	}
	return rendered
}

// attribute fills in the value of an attribute below a path, which may be one that is made.
func (x *rendering) attribute(v any, path []string, name string) (any, bool) {
	here := func() []string { return append(slices.Clone(path), name) }
	made := func(m authz.Made) (any, bool) {
		m.At = append([]string{"attr"}, here()...)
		if m.From == nil && m.Table == nil && m.Text == nil {
			m.From = piece{unknownOne, true}.origin(m.At)
		}
		x.made = append(x.made, m)
		return nil, false
	}
	switch v := v.(type) {
	case map[string]any:
		return x.mapping(v, here()), true
	case looked:
		return made(authz.Made{Schema: v.schema})
	case *table:
		switch from := v.by.origin(nil); {
		case from != nil:
			return made(authz.Made{Table: &authz.Table{By: from, Values: v.values, Else: v.orElse}})
		case x.item.Any:
			return made(authz.Made{})
		}
		key, _ := x.value(v.by)
		s, _ := key.(string)
		return v.of(s)
	case text:
		return x.attributeText(v, here, made)
	}
	return x.constant(v), true
}

// attributeText fills in an attribute that is written as a text.
func (x *rendering) attributeText(t text, here func() []string, made func(authz.Made) (any, bool)) (any, bool) {
	whole := len(t) == 1 && t[0].placeholder
	switch {
	case x.item.Any && slices.ContainsFunc(t, func(p piece) bool { return p.ofItem() && p.text != itemName && p.text != itemTags }):
		return made(authz.Made{})
	case !whole:
		s, pieces := t.fill(x.values)
		if pieces != nil {
			made(authz.Made{Text: pieces})
		}
		return s, true
	case t[0].text == unknownOne:
		return made(authz.Made{})
	case t[0].text == arguments:
		x.sent = append(x.sent, here())
		return nil, false
	case t[0].ofCall():
		return made(authz.Made{From: t[0].origin(nil)})
	}
	return x.value(t[0])
}

// constant fills in a value that depends on nothing but the item.
func (x *rendering) constant(v any) any {
	switch v := v.(type) {
	case text:
		if len(v) == 1 && v[0].placeholder {
			value, _ := x.value(v[0])
			return value
		}
		s, _ := v.fill(x.values)
		return s
	case []any:
		list := make([]any, len(v))
		for i, below := range v {
			list[i] = x.constant(below)
		}
		return list
	case map[string]any:
		rendered := make(map[string]any, len(v))
		for k, below := range v {
			rendered[k] = x.constant(below)
		}
		return rendered
	}
	return v
}

// spread has the arguments be attributes of their own. They go before what stands under their
// names, unless that comes later.
func (x *rendering) spread(r *authz.Request, s *spread) {
	m := authz.Made{At: []string{"attr"}, From: authz.Origin{arguments}, But: slices.Clone(s.but)}
	before := map[string]any{}
	for name, v := range r.Resource.Attr {
		before[name] = v
	}
	kept, sent := x.made[:0:0], x.sent[:0:0]
	for i := range x.made {
		if of := x.made[i]; of.At[0] == "attr" && !slices.Contains(s.but, of.At[1]) {
			before = authz.WithValue(before, of.At[1:], &of)
			continue
		}
		kept = append(kept, x.made[i])
	}
	for _, at := range x.sent {
		if !slices.Contains(s.but, at[0]) {
			before = authz.WithValue(before, at, &authz.Made{At: append([]string{"attr"}, at...), From: authz.Origin{arguments}})
			continue
		}
		sent = append(sent, at)
	}
	x.made, x.sent = kept, sent
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if !slices.Contains(s.but, name) {
			x.made = append(x.made, authz.Made{At: []string{"attr", name}, From: authz.Origin{arguments, name}, Else: before[name]})
			m.But = append(m.But, name)
		}
	}
	slices.Sort(m.But)
	x.made = append(x.made, m)
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
		if isTable(v) {
			return compileTable(v)
		}
		if schema, ok := v[braced(unknownOne)]; ok {
			return looked{schema}
		}
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
		s, _ := name.fill(&values{item: &Item{}})
		compiled[s] = compileValue(v)
	}
	return compiled
}
