package explain

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/source"
)

// candidates lists the places whose values may matter: those that the conditions read, and
// those that schemas speak of where these refuse what stands there now, or say something
// of values together.
func (s *search) candidates(x *Explanation) {
	var names [Claim + 1][]string
	var whole [Claim + 1]bool // all that there is may be read
	read := func(kind ValueKind, path []string) {
		if whole[kind] = whole[kind] || len(path) == 0; len(path) > 0 {
			names[kind] = append(names[kind], path[0])
		}
	}
	for i := range s.conditions {
		r := s.conditions[i].Reads()
		for _, path := range r.Arguments {
			read(Argument, path)
		}
		for _, path := range r.Principal {
			switch {
			case path[0] == "attr":
				read(Attribute, path[1:])
			case path[0] == "auxData" && len(path) > 1 && path[1] == "jwt":
				read(Claim, path[2:])
			}
		}
	}
	names[Argument] = append(names[Argument], s.argumentsBySchema(x, whole[Argument])...)
	names[Attribute] = append(names[Attribute], s.attributesBySchema(x, whole[Attribute])...)
	if whole[Claim] {
		names[Claim] = append(names[Claim], slices.Collect(maps.Keys(s.Principal.AuxData))...)
	}
	for kind, list := range names {
		if ValueKind(kind) == Argument && s.Arguments == nil {
			continue
		}
		if whole[kind] {
			s.whole = append(s.whole, ValueKind(kind))
		}
		slices.Sort(list)
		for _, name := range slices.Compact(list) {
			s.places = append(s.places, Value{Kind: ValueKind(kind), Name: name})
		}
	}
}

// argumentsBySchema takes the schema of arguments for what they may be, and lists those
// that may have to be changed for its sake, or for that of conditions that read all.
func (s *search) argumentsBySchema(x *Explanation, whole bool) []string {
	names, missing := s.refusedNames(x, "resource")
	if whole = whole || missing; whole {
		names = append(names, slices.Collect(maps.Keys(s.Arguments))...)
	}
	if !slices.ContainsFunc(s.world.Requests, func(r authz.Request) bool { return r.Unknown != nil }) {
		return names
	}
	node := s.Column.Item.ArgumentsSchema()
	schema := witness.NewSchema(node)
	if !schema.Known() {
		return names
	}
	s.result.WithinSchema, s.fits = true, schema
	s.world.Arguments = []any{node.Value()}
	switch {
	case s.Arguments == nil:
		return nil
	case !schema.Allows(s.Arguments):
		if whole {
			names = append(names, properties(node)...)
		}
		less := lenient(node, s.Arguments, misfits(schema, s.Arguments))
		s.world.Arguments[0], s.fits = less, compiled(less)
		return names
	case whole || len(names) > 0 || !isLocal(node):
		return append(names, properties(node)...)
	}
	return names
}

// attributesBySchema does so for attributes and the schema that the engine holds them to.
func (s *search) attributesBySchema(x *Explanation, whole bool) []string {
	names, missing := s.refusedNames(x, "principal")
	if whole = whole || missing; whole {
		names = append(names, slices.Collect(maps.Keys(s.Principal.Attr))...)
	}
	schema := witness.NewSchema(s.Attributes)
	if !schema.Known() {
		return names
	}
	s.world.Principal = s.Attributes.Value()
	if !whole && isLocal(s.Attributes) && schema.Allows(s.Principal.Attr) {
		return names
	}
	return slices.Concat(names, properties(s.Attributes), slices.Collect(maps.Keys(s.Principal.Attr)))
}

// refusedNames lists the arguments or attributes that the schemas of policies refuse, where
// that denies. Of what is missing the name is not told.
func (s *search) refusedNames(x *Explanation, of string) (names []string, missing bool) {
	for i := range x.Requests {
		below := "/"
		if of == "resource" {
			below = "/" + strings.Join(s.world.Requests[i].Unknown, "/") + "/"
		}
		for _, v := range x.Requests[i].Decision.Validation {
			if v.Source != of {
				continue
			}
			path, inside := strings.CutPrefix(v.Path, below)
			name, _, _ := strings.Cut(path, "/")
			if missing = missing || !inside || name == ""; inside && name != "" {
				names = append(names, strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
			}
		}
	}
	return names, missing
}

// local are the keywords of a schema that speak of one property at a time, and remarks
// those that ask for nothing.
var (
	local   = []string{"type", "properties", "required", "$defs", "definitions"}
	remarks = []string{"title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly"}
)

// isLocal reports whether a schema says nothing of several properties together.
func isLocal(n *source.Node) bool {
	return !slices.ContainsFunc(n.Fields, func(f source.Field) bool {
		return !slices.Contains(local, f.Name) && !slices.Contains(remarks, f.Name) && (f.Name != "additionalProperties" || !f.Value.Is(source.Bool))
	})
}

// properties lists the properties that a schema names.
func properties(n *source.Node) []string {
	var names []string
	if of := n.Get("properties"); of != nil {
		for _, f := range of.Fields {
			names = append(names, f.Name)
		}
	}
	if of := n.Get("required"); of != nil {
		for _, r := range of.Items {
			names = append(names, r.Str())
		}
	}
	return names
}

// lenient is a schema for arguments of which some are not as the schema says: it asks of
// each that is changed what the schema does, and nothing of what is as it was, or missing.
func lenient(n *source.Node, given map[string]any, misfits []string) map[string]any {
	s := map[string]any{"type": "object"}
	for _, name := range slices.Concat(local, remarks) {
		if v := n.Get(name); v != nil {
			s[name] = v.Value()
		}
	}
	of := map[string]any{}
	if p := n.Get("properties"); p != nil {
		for _, f := range p.Fields {
			of[f.Name] = f.Value.Value()
		}
	}
	required := []any{}
	if r := n.Get("required"); r != nil {
		for _, item := range r.Items {
			if _, there := given[item.Str()]; there {
				required = append(required, item.Str())
			}
		}
	}
	extra := n.Get("additionalProperties")
	if extra != nil {
		s["additionalProperties"] = extra.Value()
	}
	for name, v := range given {
		said, named := of[name]
		switch {
		case !named && extra != nil:
			said = extra.Value()
		case !named || !slices.Contains(misfits, name):
			continue
		}
		of[name] = map[string]any{"anyOf": []any{said, map[string]any{"const": v}}}
	}
	s["properties"], s["required"] = of, required
	return s
}

// misfits lists the arguments in which a schema refuses something.
func misfits(schema *witness.Schema, arguments map[string]any) []string {
	list, _ := schema.Misfits(arguments) // the schema is known
	var names []string
	for _, m := range list {
		if name, _, _ := strings.Cut(strings.TrimPrefix(m.Path, "/"), "/"); name != "" {
			names = append(names, strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
		}
	}
	return names
}

func compiled(schema map[string]any) *witness.Schema {
	text, err := json.Marshal(schema)
	if err != nil {
		return nil
	}
	n, err := source.ParseJSON("", text)
	if err != nil {
		return nil
	}
	return witness.NewSchema(n)
}
