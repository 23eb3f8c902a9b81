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
	Grant    *Grant // of a list that is filtered by one
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
	p := &Profile{Name: name, server: server, admitted: validation, operations: map[string]operation{}, grants: map[string]*Grant{}}
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
		if s.Grant != nil {
			p.grants[s.Endpoint] = s.Grant
		}
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
	t := template{
		kind: text(r.Kind), id: text(r.ID), action: text(r.Action),
		policyVersion: text(r.PolicyVersion), scope: text(r.Scope),
	}
	named := maps.Clone(r.Attr)
	if all, ok := r.Attr[authz.AllAttributes].(string); ok {
		delete(named, authz.AllAttributes)
		t.spread = &spread{text: text(all)}
		_, n := field(r.Node, "attr")
		later := n == nil || !n.Is(source.Mapping)
		for name := range named {
			if later || after(n, name, authz.AllAttributes) {
				t.spread.but = append(t.spread.but, name)
			}
		}
		slices.Sort(t.spread.but)
	}
	t.attr = compileMap(named)
	return t
}

// after reports whether a field of a mapping comes after another.
func after(n *source.Node, name, other string) bool {
	index := func(name string) int {
		return slices.IndexFunc(n.Fields, func(f source.Field) bool { return f.Name == name })
	}
	return index(name) > index(other)
}

func (s *Spec) isList() bool { return strings.HasSuffix(s.Endpoint, "/list") }

func (s *Spec) checkFilter() error {
	asks := s.Filter.Asks()
	switch {
	case !s.isList():
	case s.Filter == authz.FilterGrant && (s.Grant == nil || (s.Grant.File == "") == (s.Grant.Attr == nil)):
		return source.Errorf(s.Pos, "%s: filter %v needs a grant: a file, or an attribute of the principal", s.Endpoint, s.Filter)
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
	if s.Grant != nil {
		c.errs = append(c.errs, s.Grant.checkAttr(s.Endpoint))
	}
	for i := range s.Requests {
		r := &s.Requests[i]
		for _, part := range []struct{ key, value string }{
			{"kind", r.Kind}, {"id", r.ID}, {"action", r.Action}, {"policyVersion", r.PolicyVersion}, {"scope", r.Scope},
		} {
			_, n := field(r.Node, part.key)
			where := inRoute
			if part.key == "id" {
				where = inRequest
			}
			c.text(part.value, where, posOf(n, r.Pos))
		}
		if _, n := field(r.Node, "attr"); r.Attr != nil {
			named := maps.Clone(r.Attr)
			if all, ok := named[authz.AllAttributes]; ok {
				delete(named, authz.AllAttributes)
				c.spread(all, n, r.Pos)
			}
			if !isTable(named) {
				c.attributes(named, n, posOf(n, r.Pos), inAttr)
			} else {
				c.errorf(posOf(n, r.Pos), "a table has the values of one attribute: name it")
			}
		}
	}
	return errors.Join(c.errs...)
}

// A checker gathers the mistakes in the texts of a request.
type checker struct {
	endpoint string // that messages begin with, or ""
	gate     bool
	errs     []error
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
		if isTable(v) && where == inAttr {
			c.table(v, n, pos)
			return
		}
		if schema, ok := v[braced(unknownOne)]; ok && where == inAttr {
			c.looked(v, schema, pos)
			return
		}
		c.attributes(v, n, pos, where)
	}
}

// attributes checks the entries of a mapping.
func (c *checker) attributes(m map[string]any, n *source.Node, pos source.Pos, where location) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		at, below := field(n, key)
		if at.IsZero() {
			at = pos
		}
		c.text(key, inKey, at)
		c.value(m[key], where, below, pos)
	}
}

// spread checks what stands for the arguments as attributes of their own.
func (c *checker) spread(v any, n *source.Node, pos source.Pos) {
	pos = posOf(n, pos)
	if _, below := field(n, authz.AllAttributes); below != nil {
		pos = below.Pos
	}
	s, _ := v.(string)
	t, _ := parse(s)
	switch {
	case t.is(arguments) && !c.gate:
	case c.gate:
		c.errorf(pos, "a list has no arguments to spread")
	case len(t) == 1 && t[0].placeholder && t[0].known():
		c.errorf(pos, "%s is no mapping: only {arguments} can be all attributes", braced(t[0].text))
	case len(t) == 1 && t[0].placeholder:
		c.errorf(pos, "%s", unknown(t[0].text, inAttr))
	default:
		c.errorf(pos, "all attributes can only be {arguments}, and not %q", v)
	}
}

// looked checks a value that is looked up, of which a schema says something.
func (c *checker) looked(v map[string]any, schema any, pos source.Pos) {
	_, isMapping := schema.(map[string]any)
	if len(v) != 1 || !isMapping {
		c.errorf(pos, "a value that is looked up is written {unknown}, or {{unknown}: {type: string, enum: [open, frozen]}} with a JSON schema")
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
