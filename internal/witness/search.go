package witness

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// most bounds the candidates of one search.
const most = 2048

// A Search is what candidates are wanted for.
type Search struct {
	// Parts are those of the conditions that matter.
	Parts []pdp.Part
	// Request is what is asked. Its principal is kept, unless AnyPrincipal
	// leaves the attributes, the auxiliary data and the id open. The resource
	// is kept but for the arguments, which Unknown leaves open, and for what
	// holds [AnyName].
	Request authz.Request
	// Schema is what the arguments have to be like. Nil lets them be anything.
	Schema *Schema
	// FixedID keeps the principal's id even so.
	FixedID bool
	// Most bounds the candidates; 0 is a default.
	Most int
}

// AnyName leaves the item open that a request is about, where it stands for its
// name and its tag: the name is any text, and what the enforcement point makes of
// name and tags is anything of the same type, but for the text that stands around a
// name where that tells.
const AnyName = "\x00"

// A Candidate is a request to try.
type Candidate struct {
	Principal *authz.Principal
	Resource  authz.Resource // without the arguments
	Arguments map[string]any // nil where the request has none
	// Within says that the schema allows the arguments.
	Within bool
}

// Candidates are requests to try.
type Candidates struct {
	// Each yields them, the plainest first. They are made one by one.
	Each iter.Seq[Candidate]
	// All says that whatever the parts can come to together, they come to for
	// one of the candidates. AllWithin says so of the requests that the schema
	// allows. Neither is said where there is no candidate.
	All, AllWithin bool
}

// Candidates proposes requests.
func (q *Search) Candidates() Candidates {
	s := q.space()
	choices, all := s.choices(q.bound())
	all = all && len(choices) > 0 && !slices.ContainsFunc(q.Request.Made, func(m authz.Made) bool { return m.From == nil || m.Else != nil })
	return Candidates{q.assembled(s, choices), all && s.exact, all && s.exact && s.exactWithin}
}

func (q *Search) bound() int {
	if q.Most > 0 {
		return q.Most
	}
	return most
}

// assembled yields a candidate for each of the choices, each different one
// once.
func (q *Search) assembled(s *space, choices [][]int) iter.Seq[Candidate] {
	return func(yield func(Candidate) bool) {
		seen := map[string]bool{}
		for _, choice := range choices {
			c := q.assemble(s, choice)
			parts := []any{c.Arguments, c.Resource.ID, c.Resource.Attr}
			if q.Request.AnyPrincipal {
				parts = append(parts, c.Principal.ID, c.Principal.Attr, c.Principal.AuxData)
			}
			key := textOf(parts)
			if seen[key] {
				continue
			}
			seen[key] = true
			if !yield(c) {
				return
			}
		}
	}
}

// Key is the same for two searches only if the parts come to the same for the
// candidates of both, and the schemas allow the same of these.
func (q *Search) Key() string {
	s := q.space()
	key := []any{s.exact, s.exactWithin, q.Schema.required(), q.Request.Unknown != nil}
	for _, part := range q.Parts {
		for _, t := range part.Terms {
			if at := q.resolve(t); !at.open {
				key = append(key, kindOf(at.value), at.value)
			}
		}
	}
	for _, p := range s.slots {
		key = append(key, p.values)
		if p.root == ofArguments {
			key = append(key, p.schema.text)
		}
	}
	return textOf(key)
}

// assemble puts the chosen values in their slots.
func (q *Search) assemble(s *space, choice []int) Candidate {
	c := Candidate{Principal: q.Request.Principal, Within: true}
	arguments := q.Schema.base()
	person := *q.Request.Principal
	if q.Request.AnyPrincipal {
		person.Attr, person.AuxData = maps.Clone(person.Attr), maps.Clone(person.AuxData)
		c.Principal = &person
	}
	name := unlikes[0]
	for i, p := range s.slots {
		if p.root == ofName {
			name, _ = p.values[choice[i]].(string)
		}
	}
	c.Resource = named(q.Request.Resource, name)
	// Slots come before those below them.
	for i, p := range s.slots {
		v := p.values[choice[i]]
		switch p.root {
		case ofArguments:
			arguments, _ = put(arguments, p.path, v).(map[string]any)
		case ofAttributes:
			person.Attr, _ = put(person.Attr, p.path, v).(map[string]any)
		case ofAuxData:
			person.AuxData, _ = put(person.AuxData, p.path, v).(map[string]any)
		case ofID:
			person.ID, _ = v.(string)
		case ofResource:
			c.Resource.Attr, _ = put(c.Resource.Attr, p.path, v).(map[string]any)
		case ofResourceID:
			c.Resource.ID, _ = v.(string)
		case ofElse, ofName: // no such slot is made, and the name stands everywhere
		}
	}
	if q.Request.Unknown != nil {
		c.Arguments, c.Within = arguments, q.Schema.Allows(arguments)
	}
	return c
}

// missing, as a value, says that nothing stands there. mapping says that a
// mapping does, for what stands below; fresh is what it begins with.
type (
	missing struct{}
	mapping struct{ fresh map[string]any }
)

// put returns a value with another put in at a path, as far as there are
// mappings on the way.
func put(into any, path []string, v any) any {
	if len(path) == 0 {
		return v
	}
	m, ok := into.(map[string]any)
	if into == nil || ok && m == nil {
		m, ok = map[string]any{}, true
	}
	if !ok {
		return into
	}
	copied := maps.Clone(m)
	below, there := copied[path[0]]
	if len(path) > 1 {
		if _, isMap := below.(map[string]any); isMap {
			copied[path[0]] = put(below, path[1:], v)
		}
		return copied
	}
	switch v := v.(type) {
	case missing:
		delete(copied, path[0])
	case mapping:
		if _, isMap := below.(map[string]any); !there || !isMap {
			copied[path[0]] = maps.Clone(v.fresh)
		}
	default:
		copied[path[0]] = v
	}
	return copied
}

// A spot is what a term stands for: a slot that is open, or a value.
type spot struct {
	root  root
	path  []string
	sole  kind // of every value of the slot, if it is not isMissing
	open  bool
	value any // of what is not open, or that the request has there; or missing
}

// resolve returns what a term stands for.
func (q *Search) resolve(t pdp.Term) spot {
	if t.Path == nil {
		return spot{value: normal(t.Value)}
	}
	r := &q.Request
	if t.Path[0] == "R" && r.Made != nil {
		of, m := r.Behind(t.Path[1:])
		switch {
		case of != nil:
			t.Path = of
		case m != nil:
			return spot{open: true}
		}
	}
	switch {
	case t.Path[0] == "P" && t.Path[1] == "attr":
		return spot{root: ofAttributes, path: t.Path[2:], value: valueAt(r.Principal.Attr, t.Path[2:]), open: r.AnyPrincipal}
	case t.Path[0] == "P" && t.Path[1] == "id":
		return spot{root: ofID, path: t.Path[2:], sole: isString, value: r.Principal.ID, open: r.AnyPrincipal && !q.FixedID}
	case t.Path[0] == "P" && t.Path[1] == "roles":
		return spot{value: list(r.Principal.Roles), open: r.AnyPrincipal}
	case t.Path[0] == "jwt":
		return spot{root: ofAuxData, path: t.Path[1:], value: valueAt(r.Principal.AuxData, t.Path[1:]), open: r.AnyPrincipal}
	case t.Path[0] == "R" && t.Path[1] == "id" && len(t.Path) == 2:
		return ofItem(r.Resource.ID, ofResourceID, nil)
	case t.Path[0] == "R" && t.Path[1] == "kind" && len(t.Path) == 2:
		return ofItem(r.Resource.Kind, ofElse, nil)
	case t.Path[0] == "R" && t.Path[1] == "attr":
		return q.resolveAttribute(t.Path[2:])
	}
	return spot{open: true}
}

// resolveAttribute returns what a path below the resource's attributes stands
// for. The arguments are always a mapping, whatever stands in it.
func (q *Search) resolveAttribute(path []string) spot {
	unknown := q.Request.Unknown
	if n := len(unknown); n > 0 && len(path) >= n && slices.Equal(path[:n], unknown) {
		return spot{root: ofArguments, path: path[n:], sole: soleIf(len(path) == n), open: true, value: missing{}}
	}
	if len(unknown) > len(path) && slices.Equal(path, unknown[:len(path)]) {
		return spot{sole: isMap, open: true} // something around the arguments
	}
	return ofItem(valueAt(q.Request.Resource.Attr, path), ofResource, path)
}

func soleIf(mapping bool) kind {
	if mapping {
		return isMap
	}
	return isMissing
}

// ofItem returns what a value of the resource stands for, which is open if the
// item is and it follows from the item.
func ofItem(v any, at root, path []string) spot {
	switch {
	case v == any(AnyName):
		return spot{root: ofName, sole: isString, open: true, value: missing{}}
	case !holdsName(v):
		return spot{value: v}
	case kindOf(v) == isMap:
		return spot{sole: isMap, open: true}
	}
	return spot{root: at, path: path, sole: kindOf(v), open: true, value: missing{}}
}

// holdsName reports whether AnyName stands somewhere in a value.
func holdsName(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, AnyName)
	case []any:
		return slices.ContainsFunc(v, holdsName)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), holdsName)
	}
	return false
}

// named returns a resource with a name wherever AnyName stands.
func named(r authz.Resource, name string) authz.Resource {
	r.ID = strings.ReplaceAll(r.ID, AnyName, name)
	if holdsName(r.Attr) {
		r.Attr, _ = withName(r.Attr, name).(map[string]any)
	}
	return r
}

func withName(v any, name string) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, AnyName, name)
	case []any:
		l := slices.Clone(v)
		for i := range l {
			l[i] = withName(l[i], name)
		}
		return l
	case map[string]any:
		m := maps.Clone(v)
		for k := range m {
			m[k] = withName(m[k], name)
		}
		return m
	}
	return v
}

// A root says below what a slot stands.
type root uint8

const (
	ofElse root = iota // no slot that is given values
	ofArguments
	ofAttributes
	ofAuxData
	ofID         // the principal's
	ofName       // the item's, wherever it stands
	ofResource   // below the resource's attributes
	ofResourceID // what the enforcement point makes of the item's name
)

func valueAt(m map[string]any, path []string) any {
	var v any = m
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return missing{}
		}
		if v, ok = m[name]; !ok {
			return missing{}
		}
	}
	return normal(v)
}

func list(of []string) []any {
	l := make([]any, len(of))
	for i, s := range of {
		l[i] = s
	}
	return l
}

func (r root) key(path []string) string {
	return string(rune('a'+r)) + "\x00" + strings.Join(path, "\x00")
}
