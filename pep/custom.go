package pep

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Spec declares what a custom profile does about one MCP method.
type Spec struct {
	Endpoint string
	Filter   authz.Filter // for lists; other methods have none
	Requests []RequestSpec
	Pos      source.Pos
}

// A RequestSpec is one request of a [Spec], with placeholders.
type RequestSpec struct {
	Kind, ID, Action     string
	PolicyVersion, Scope string
	Attr                 map[string]any
	Pos                  source.Pos
	// Node is what the request was read from, for the positions of mistakes in
	// its parts, by the keys kind, id, action, policyVersion, scope and attr.
	// Without it they have Pos.
	Node *source.Node
}

// Custom returns a declared profile in front of a server. All mistakes in the
// declaration are reported, joined, each a *source.Error.
func Custom(name, server string, specs []Spec) (*Profile, error) {
	p := &Profile{Name: name, server: server, admitted: validation, operations: map[string]operation{}}
	var errs []error
	for _, s := range specs {
		if !slices.Contains(endpointNames, s.Endpoint) {
			errs = append(errs, source.Errorf(s.Pos, "no MCP method is called %q%s", s.Endpoint, source.DidYouMean(s.Endpoint, endpointNames)))
			continue
		}
		errs = append(errs, s.checkFilter(), s.checkRequired(), s.CheckPlaceholders())
		o := operation{filter: s.Filter}
		for _, r := range s.Requests {
			o.requests = append(o.requests, r.template())
		}
		p.operations[s.Endpoint] = o
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, nil
}

func (r *RequestSpec) template() template {
	text := func(s string) text {
		t, _ := parse(s)
		return t
	}
	return template{
		kind: text(r.Kind), id: text(r.ID), action: text(r.Action),
		policyVersion: text(r.PolicyVersion), scope: text(r.Scope), attr: compileMap(r.Attr),
	}
}

func (s *Spec) isList() bool { return strings.HasSuffix(s.Endpoint, "/list") }

func (s *Spec) checkFilter() error {
	asks := s.Filter == authz.FilterGate || s.Filter == authz.FilterOwn
	switch {
	case !s.isList():
	case asks && len(s.Requests) == 0:
		return source.Errorf(s.Pos, "%s: filter %v needs requests", s.Endpoint, s.Filter)
	case !asks && len(s.Requests) > 0:
		return source.Errorf(s.Pos, "%s: filter %v sends no requests of its own", s.Endpoint, s.Filter)
	}
	return nil
}

func (s *Spec) checkRequired() error {
	var errs []error
	for _, r := range s.Requests {
		for _, required := range []struct{ name, value string }{{"kind", r.Kind}, {"id", r.ID}, {"action", r.Action}} {
			if required.value == "" {
				errs = append(errs, source.Errorf(r.Pos, "%s: a request needs %s", s.Endpoint, required.name))
			}
		}
	}
	return errors.Join(errs...)
}

// CheckPlaceholders reports unknown placeholders, known ones where they cannot stand,
// and unmatched braces: joined, each a *source.Error.
func (s *Spec) CheckPlaceholders() error {
	c := &checker{endpoint: s.Endpoint, gate: s.isList() && s.Filter == authz.FilterGate}
	for i := range s.Requests {
		r := &s.Requests[i]
		c.arguments = 0
		for _, part := range []struct{ key, value string }{
			{"kind", r.Kind}, {"id", r.ID}, {"action", r.Action}, {"policyVersion", r.PolicyVersion}, {"scope", r.Scope},
		} {
			_, n := field(r.Node, part.key)
			c.text(part.value, inRequest, posOf(n, r.Pos))
		}
		if _, n := field(r.Node, "attr"); r.Attr != nil {
			c.value(r.Attr, inAttr, n, r.Pos)
		}
	}
	return errors.Join(c.errs...)
}

// A checker gathers the mistakes in the texts of a request.
type checker struct {
	endpoint  string // that messages begin with, or ""
	gate      bool
	arguments int // how often they are sent
	errs      []error
}

func (c *checker) errorf(pos source.Pos, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if c.endpoint != "" {
		msg = c.endpoint + ": " + msg
	}
	c.errs = append(c.errs, source.Errorf(pos, "%s", msg))
}

func (c *checker) text(s string, where location, pos source.Pos) {
	t, broken := parse(s)
	for _, part := range broken {
		c.errorf(pos, "%s", unclosed(part))
	}
	for _, wrong := range t.misplaced(where, c.gate) {
		c.errorf(pos, "%s", wrong)
	}
	if where == inAttr && t.is(arguments) {
		if c.arguments++; c.arguments > 1 {
			c.errorf(pos, "{arguments} can stand in one place only")
		}
	}
}

// value checks a value below attr, which n is written as, unless it is nil.
func (c *checker) value(v any, where location, n *source.Node, pos source.Pos) {
	pos = posOf(n, pos)
	switch v := v.(type) {
	case string:
		c.text(v, where, pos)
	case []any:
		for i, x := range v {
			var item *source.Node
			if n.Is(source.Sequence) && i < len(n.Items) {
				item = n.Items[i]
			}
			c.value(x, inList, item, pos)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at, below := field(n, key)
			if at.IsZero() {
				at = pos
			}
			c.text(key, inKey, at)
			c.value(v[key], where, below, pos)
		}
	}
}

// field returns where a field of a mapping is named, and its value, or nothing.
func field(n *source.Node, name string) (source.Pos, *source.Node) {
	if n != nil {
		for _, f := range n.Fields {
			if f.Name == name {
				return f.Pos, f.Value
			}
		}
	}
	return source.Pos{}, nil
}

func posOf(n *source.Node, otherwise source.Pos) source.Pos {
	if n == nil {
		return otherwise
	}
	return n.Pos
}
