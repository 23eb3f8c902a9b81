package witness

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// most bounds the candidates for one question.
const most = 2048

// A Question is what candidates are wanted for.
type Question struct {
	// Parts are those of the conditions that matter.
	Parts []pdp.Part
	// Request is what is asked. Its principal is kept, unless AnyPrincipal
	// leaves the attributes, the auxiliary data and the id open. The resource
	// is kept but for the arguments, which Unknown leaves open.
	Request authz.Request
	// Schema is what the arguments have to be like. Nil lets them be anything.
	Schema *Schema
	// FixedID keeps the principal's id even so.
	FixedID bool
	// Most bounds the candidates; 0 is a default.
	Most int
}

// A Candidate is a request to try.
type Candidate struct {
	Principal *authz.Principal
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
	// allows.
	All, AllWithin bool
}

// Candidates proposes requests.
func (q *Question) Candidates() Candidates {
	s := q.space()
	choices, all := s.choices(q.bound())
	return Candidates{q.assembled(s, choices), all && s.exact, all && s.exact && s.exactWithin}
}

func (q *Question) bound() int {
	if q.Most > 0 {
		return q.Most
	}
	return most
}

// assembled yields a candidate for each of the choices, each different one
// once.
func (q *Question) assembled(s *space, choices [][]int) iter.Seq[Candidate] {
	return func(yield func(Candidate) bool) {
		seen := map[string]bool{}
		for _, choice := range choices {
			c := q.assemble(s, choice)
			parts := []any{c.Arguments}
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

// Key is the same for two questions only if the parts come to the same for the
// candidates of both.
func (q *Question) Key() string {
	s := q.space()
	key := []any{s.exact, s.exactWithin, q.Schema.required(), q.Request.Unknown != nil}
	for _, part := range q.Parts {
		for _, t := range part.Terms {
			if _, _, v, open := q.resolve(t); !open {
				key = append(key, kindOf(v), v)
			}
		}
	}
	for _, p := range s.places {
		key = append(key, p.values)
	}
	return textOf(key)
}

// assemble puts the chosen values in their places.
func (q *Question) assemble(s *space, choice []int) Candidate {
	c := Candidate{Principal: q.Request.Principal, Within: true}
	arguments := q.Schema.base()
	person := *q.Request.Principal
	if q.Request.AnyPrincipal {
		person.Attr, person.AuxData = maps.Clone(person.Attr), maps.Clone(person.AuxData)
		c.Principal = &person
	}
	// Places come before those below them.
	for i, p := range s.places {
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
		case ofElse: // no such place is made
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

// resolve returns the place of a term that is open, or the value of one that
// is not: missing, if nothing stands there.
func (q *Question) resolve(t pdp.Term) (at root, path []string, v any, open bool) {
	if t.Path == nil {
		return 0, nil, normal(t.Value), false
	}
	r := &q.Request
	switch {
	case t.Path[0] == "P" && t.Path[1] == "attr":
		return ofAttributes, t.Path[2:], valueAt(r.Principal.Attr, t.Path[2:]), r.AnyPrincipal
	case t.Path[0] == "P" && t.Path[1] == "id":
		return ofID, t.Path[2:], r.Principal.ID, r.AnyPrincipal && !q.FixedID
	case t.Path[0] == "P" && t.Path[1] == "roles":
		return ofElse, nil, list(r.Principal.Roles), r.AnyPrincipal
	case t.Path[0] == "jwt":
		return ofAuxData, t.Path[1:], valueAt(r.Principal.AuxData, t.Path[1:]), r.AnyPrincipal
	case t.Path[0] == "R" && t.Path[1] == "id" && len(t.Path) == 2:
		return 0, nil, r.Resource.ID, false
	case t.Path[0] == "R" && t.Path[1] == "kind" && len(t.Path) == 2:
		return 0, nil, r.Resource.Kind, false
	case t.Path[0] == "R" && t.Path[1] == "attr":
		path := t.Path[2:]
		if n := len(r.Unknown); n > 0 && len(path) >= n && slices.Equal(path[:n], r.Unknown) {
			return ofArguments, path[n:], nil, true
		}
		if len(r.Unknown) > len(path) && slices.Equal(path, r.Unknown[:len(path)]) {
			return ofElse, nil, nil, true // something around the arguments
		}
		return 0, nil, valueAt(r.Resource.Attr, path), false
	}
	return ofElse, nil, nil, true
}

// A root says below what a place stands.
type root uint8

const (
	ofElse root = iota // no place that is given values
	ofArguments
	ofAttributes
	ofAuxData
	ofID
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
