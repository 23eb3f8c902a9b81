package coaz

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
)

// arguments reads the inputSchema of a tool as far as it plainly lists properties. What
// is said by references or alternatives counts as unknown.
type arguments struct{ schema *source.Node }

// An argument is what is known of a path below the arguments.
type argument struct {
	jsonType string // one of typedNames, or "" if it is not known
	optional bool   // a call may leave it out
	refused  bool   // the schema takes no such property
	pos      source.Pos
}

// at looks a path up. Of an empty one nothing is known.
func (a arguments) at(path []string) argument {
	if len(path) == 0 {
		return argument{}
	}
	found := argument{}
	schema := a.schema
	for _, name := range path {
		if !plain(schema) {
			return argument{optional: found.optional}
		}
		required := schema.Get("required")
		isRequired := required.Is(source.Sequence) && slices.ContainsFunc(required.Items, func(n *source.Node) bool { return n.Str() == name })
		property := schema.Get("properties").Get(name)
		found.optional = found.optional || !isRequired
		if property == nil {
			closed := schema.Get("additionalProperties")
			return argument{optional: found.optional, refused: closed.Is(source.Bool) && closed.Text == "false"}
		}
		found.pos, schema = property.Pos, property
	}
	if t := schema.Get("type").Str(); typedNames[t] != nil && plain(schema) {
		found.jsonType = t
	}
	return found
}

// names lists the properties of the schema.
func (a arguments) names() []string {
	if !plain(a.schema) || !a.schema.Get("properties").Is(source.Mapping) {
		return nil
	}
	var list []string
	for _, f := range a.schema.Get("properties").Fields {
		list = append(list, f.Name)
	}
	return list
}

// elsewhere are keywords that say more about properties than properties does.
var elsewhere = []string{"$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "dependentRequired", "patternProperties", "nullable"}

// plain reports whether a schema says what it says of properties and types in these two
// words.
func plain(schema *source.Node) bool {
	return schema.Is(source.Mapping) && !slices.ContainsFunc(elsewhere, func(key string) bool { return schema.Get(key) != nil })
}
