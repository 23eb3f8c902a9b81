package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// A certainty says what an inventory tells about something.
type certainty uint8

// What there is to know. Unknown is the zero value.
const (
	unknown certainty = iota
	yes
	no
)

// An argument is what the inputSchema of a tool says of a path of names below
// its arguments.
type argument struct {
	exists certainty
	step   int      // the first of the path that is not there, or that has nothing below it
	near   []string // the names that are there in its place
	// types are those of JSON that the value may have: of the whole path, or
	// if it ends early of what has nothing below it. Nil if any.
	types []string
	// optional are the steps that a call may leave out.
	optional []bool
	pos      source.Pos // of the definition, or of the item
}

// argumentOf looks an argument of a tool up, once.
func argumentOf(p *Pass, item *manifest.Item, path []string) argument {
	key := argumentKey{item, strings.Join(path, "\x00")}
	a, ok := p.arguments[key]
	if !ok {
		a = argumentIn(item, path)
		p.arguments[key] = a
	}
	return a
}

type argumentKey struct {
	item *manifest.Item
	path string
}

func argumentIn(item *manifest.Item, path []string) argument {
	if item.Schema == nil {
		return listedArgument(item, path)
	}
	s := &schemaReader{root: item.Schema, budget: maxSchemas}
	level := s.shape(item.Schema)
	a := argument{pos: item.Pos}
	for i, name := range path {
		a.step = i
		if name == pdp.Element {
			switch {
			case level.types != nil && !slices.Contains(level.types, "array") && !slices.Contains(level.types, "object"):
				a.exists, a.types = no, level.types
				return a
			case level.vague || len(level.elements) == 0 || level.types == nil || slices.Contains(level.types, "object"):
				return argument{pos: item.Pos} // of an object it is the keys
			}
			a.optional = append(a.optional, false)
			level = s.either(level.elements)
			continue
		}
		if level.types != nil && !slices.Contains(level.types, "object") {
			a.exists, a.types = no, level.types
			return a
		}
		found := level.properties[name]
		if found == nil {
			found = level.matching(name)
		}
		switch {
		case found == nil && level.listed && !level.open && !level.vague && !slices.Contains(level.required, name):
			a.exists, a.near = no, level.names()
			return a
		case found == nil:
			return argument{pos: item.Pos}
		}
		a.optional = append(a.optional, !level.vague && !slices.Contains(level.required, name))
		a.pos = found[0].Pos
		level = s.either(found)
	}
	a.exists, a.types = yes, level.types
	return a
}

// listedArgument looks an argument up where there is no schema but a list of
// names.
func listedArgument(item *manifest.Item, path []string) argument {
	a := argument{pos: item.Pos}
	for _, x := range item.Arguments {
		if x.Name == path[0] {
			return argument{pos: item.Pos}
		}
		a.near = append(a.near, x.Name)
	}
	if len(a.near) > 0 {
		a.exists = no
	}
	return a
}

// maxSchemas bounds the schemas that are looked at for one argument: a few
// lines of references can stand for millions.
const maxSchemas = 2000

// A schemaReader reads a JSON schema, as far as it lists properties.
type schemaReader struct {
	root   *source.Node
	budget int
}

// objects is what a schema says of the objects that it takes.
type objects struct {
	properties map[string][]*source.Node
	elements   []*source.Node // of a list
	patterns   []source.Field
	required   []string // in some alternative at least
	types      []string // nil if any
	listed     bool     // it says which properties there are
	open       bool     // it takes others too
	vague      bool     // it cannot be understood
}

func (s *objects) names() []string {
	var list []string
	for name := range s.properties {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func (s *objects) matching(name string) []*source.Node {
	var list []*source.Node
	for _, f := range s.patterns {
		if re, err := regexp.Compile(f.Name); err == nil && re.MatchString(name) {
			list = append(list, f.Value)
		}
	}
	return list
}

// shape reads a schema.
func (s *schemaReader) shape(n *source.Node) *objects {
	s.budget--
	if s.budget < 0 || !n.Is(source.Mapping) {
		return &objects{vague: true}
	}
	x := &objects{properties: map[string][]*source.Node{}}
	for _, f := range n.Fields {
		switch f.Name {
		case "type":
			x.narrow(typesOf(f.Value))
		case "const":
			x.narrow([]string{jsonType(f.Value)})
		case "enum":
			var list []string
			for _, v := range f.Value.Items {
				list = append(list, jsonType(v))
			}
			x.narrow(list)
		case "properties":
			x.listed = true
			for _, property := range f.Value.Fields {
				x.properties[property.Name] = append(x.properties[property.Name], property.Value)
			}
		case "items":
			if f.Value.Is(source.Mapping) {
				x.elements = append(x.elements, f.Value)
			}
		case "prefixItems": // elements of different kinds
			x.vague = true
		case "patternProperties":
			x.listed = true
			for _, pattern := range f.Value.Fields {
				if _, err := regexp.Compile(pattern.Name); err != nil {
					x.vague = true
				}
				x.patterns = append(x.patterns, pattern)
			}
		case "additionalProperties", "unevaluatedProperties":
			refused := f.Value.Is(source.Bool) && f.Value.Text == "false"
			x.open, x.listed = x.open || !refused, x.listed || refused
		case "required":
			for _, v := range f.Value.Items {
				x.required = append(x.required, v.Text)
			}
		case "$ref":
			x.and(s.shape(s.resolve(f.Value.Str())))
		case "$dynamicRef", "$recursiveRef":
			x.vague = true
		case "allOf":
			for _, part := range f.Value.Items {
				x.and(s.shape(part))
			}
		case "anyOf", "oneOf":
			x.and(s.either(f.Value.Items))
		case "then", "else":
			part := s.shape(f.Value)
			part.types = nil
			x.and(part)
		case "dependentSchemas":
			for _, property := range f.Value.Fields {
				part := s.shape(property.Value)
				part.types = nil
				x.and(part)
			}
		}
	}
	return x
}

// either reads schemas of which one holds.
func (s *schemaReader) either(list []*source.Node) *objects {
	sum := &objects{properties: map[string][]*source.Node{}, types: []string{}}
	for _, n := range list {
		part := s.shape(n)
		if part.types == nil {
			sum.types = nil
		} else if sum.types != nil {
			sum.types = append(sum.types, part.types...)
		}
		part.types = nil
		types := sum.types
		sum.and(part)
		sum.types = types
	}
	if len(list) == 0 {
		sum.types = nil
	}
	return sum
}

// and adds what another schema says.
func (s *objects) and(o *objects) {
	if s.properties == nil {
		s.properties = map[string][]*source.Node{}
	}
	for name, list := range o.properties {
		s.properties[name] = append(s.properties[name], list...)
	}
	s.elements = append(s.elements, o.elements...)
	s.patterns = append(s.patterns, o.patterns...)
	s.required = append(s.required, o.required...)
	s.listed = s.listed || o.listed
	s.open = s.open || o.open
	s.vague = s.vague || o.vague
	s.narrow(o.types)
}

// narrow leaves the types that are among others, or all if that leaves none.
func (s *objects) narrow(types []string) {
	if types == nil {
		return
	}
	if s.types == nil {
		s.types = types
		return
	}
	both := slices.DeleteFunc(slices.Clone(s.types), func(t string) bool { return !slices.Contains(types, t) })
	if len(both) > 0 {
		s.types = both
	}
}

// resolve returns the schema that a reference within the file names, or nil.
func (s *schemaReader) resolve(ref string) *source.Node {
	if ref == "#" {
		return s.root
	}
	rest, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	n := s.root
	for name := range strings.SplitSeq(rest, "/") {
		n = n.Get(strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
	}
	return n
}

// typesOf reads the keyword type. An integer is a number too.
func typesOf(n *source.Node) []string {
	var list []string
	for _, v := range append([]*source.Node{n}, n.Items...) {
		switch {
		case v.Is(source.String) && v.Text == "integer":
			list = append(list, "number")
		case v.Is(source.String):
			list = append(list, v.Text)
		}
	}
	return list
}

func jsonType(n *source.Node) string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[n.Kind]
}

// celTypes are the JSON types of the values that a CEL type can be compared
// with, or taken for. Null is not among them: many ask x != null to see whether
// there is an x.
var celTypes = map[string]string{
	"string": "string", "bool": "boolean", "int": "number", "uint": "number", "double": "number",
	"list": "array", "map": "object",
}

// fits reports whether one of the types that an expression takes a value for
// is among those that the schema allows.
func (a *argument) fits(types []string) bool {
	return len(a.types) == 0 || len(types) == 0 || slices.ContainsFunc(types, func(t string) bool {
		json, known := celTypes[t]
		return !known || slices.Contains(a.types, json)
	})
}
