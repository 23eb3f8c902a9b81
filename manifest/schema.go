package manifest

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// ownSchemaKeys hold the schema of a tool's arguments where it is spelled as
// in MCP.
var ownSchemaKeys = []string{"inputSchema", "input_schema"}

// otherSchemaKeys hold it elsewhere: OpenAI's and Gemini's tools, UTCP's
// manuals, LangChain's and MetaMCP's tools, home-made files. What stands there
// may be anything.
var otherSchemaKeys = []string{
	"parameters", "parametersJsonSchema", "parameters_json_schema", "schema", "inputs", "input", "params",
	"args_schema", "argsSchema", "args", "arguments", "toolSchema", "tool_schema", "requestSchema", "request_schema",
}

// schema reads the schema of a tool's arguments, under the first key that has
// one. What looks like one and is not read is named.
func (r *reader) schema(it *Item, n *source.Node) *source.Node {
	schema := r.mapping(n, ownSchemaKeys...)
	if schema == nil && isToolboxTool(n) {
		return toolboxSchema(n)
	}
	for _, key := range otherSchemaKeys {
		v := n.Get(key)
		read := argumentSchema(v)
		switch {
		case isNothing(v), key == "arguments" && v.Is(source.Sequence): // which are Docker's
		case read == nil && schema != nil:
		case read == nil:
			r.note(v.Pos, "%s of tool %s is no schema of its arguments in any known notation, and not read", key, quote(it.Name))
		case schema == nil:
			schema = read
		case string(schema.JSON()) != string(read.JSON()):
			r.note(v.Pos, "tool %s has another schema under %s: not read", quote(it.Name), quote(key))
		}
	}
	for _, f := range n.Fields {
		if !slices.Contains(otherSchemaKeys, f.Name) && !slices.Contains(ownSchemaKeys, f.Name) && !isOtherSchema(f.Name) && isObjectSchema(f.Value) {
			r.note(f.Pos, "%s of tool %s looks like a schema of its arguments, and is not read: inputSchema is where MCP has it",
				quote(f.Name), quote(it.Name))
		}
	}
	return schema
}

// isNothing reports whether a value is missing, null or an empty list.
func isNothing(n *source.Node) bool {
	return n == nil || n.Is(source.Null) || n.Is(source.Sequence) && len(n.Items) == 0
}

// hasOtherSchema recognises a tool by a schema of its arguments that is not
// spelled as in MCP.
func hasOtherSchema(n *source.Node) bool {
	return n.Get("name").Is(source.String) && slices.ContainsFunc(otherSchemaKeys, func(key string) bool {
		v := n.Get(key)
		return (key != "arguments" || v.Is(source.Mapping)) && !isNothing(v) && len(v.Fields)+len(v.Items) > 0 && argumentSchema(v) != nil
	})
}

// isOtherSchema reports whether a key speaks of something else than what a
// tool takes.
func isOtherSchema(key string) bool {
	return slices.ContainsFunc(Words(key), func(w string) bool {
		return slices.Contains([]string{
			"output", "outputs", "return", "returns", "response", "responses", "result", "results", "error", "errors",
			"config", "configuration", "settings", "annotations", "auth", "authentication", "meta", "metadata",
			"example", "examples", "function", "execution", "env", "state", "event", "events",
		}, w)
	})
}

// isObjectSchema recognises a JSON schema of objects.
func isObjectSchema(n *source.Node) bool {
	isType := func(v *source.Node) bool { return v.Str() == "object" }
	return isType(n.Get("type")) || anyElement(isType)(orEmpty(n.Get("type"))) ||
		isObject(n, "properties") && !n.Get("properties").Get("type").Is(source.String) // which is an argument of that name
}

// argumentSchema returns what describes the arguments of a tool as a JSON
// schema: it may be one, or arguments by name, or a list of them. It returns
// nil for anything else.
func argumentSchema(n *source.Node) *source.Node {
	switch {
	case isObjectSchema(n), n.Is(source.Mapping) && len(n.Fields) == 0:
		return n
	case n.Is(source.Mapping):
		for _, key := range []string{"$ref", "anyOf", "oneOf", "allOf", "$schema"} {
			if v := n.Get(key); v.Is(source.String) || v.Is(source.Sequence) {
				return n
			}
		}
		if !allFields(n, isArgument) {
			return nil
		}
		return schemaOf(n.Pos, n.Fields)
	case n.Is(source.Sequence) && len(n.Items) > 0 && !slices.ContainsFunc(n.Items, func(a *source.Node) bool {
		return a.Get("name").Str() == "" || !isArgument(a)
	}):
		var fields []source.Field
		for _, a := range n.Items {
			fields = append(fields, source.Field{Name: a.Get("name").Text, Pos: a.Pos, Value: a})
		}
		return schemaOf(n.Pos, fields)
	}
	return nil
}

// isArgument recognises what is said of one argument.
func isArgument(n *source.Node) bool {
	return n.Is(source.Mapping) && (n.Get("type").Is(source.String) || n.Get("type").Is(source.Sequence) ||
		n.Get("description").Is(source.String) || isObject(n, "schema") || n.Get("enum").Is(source.Sequence))
}

// schemaOf returns a JSON schema of an object with these properties.
func schemaOf(pos source.Pos, properties []source.Field) *source.Node {
	all := &source.Node{Kind: source.Mapping, Pos: pos}
	required := &source.Node{Kind: source.Sequence, Pos: pos}
	for _, f := range properties {
		all.Fields = append(all.Fields, source.Field{Name: f.Name, Pos: f.Pos, Value: property(f.Value)})
		if v := f.Value.Get("required"); v.Is(source.Bool) && v.Text == "true" {
			required.Items = append(required.Items, &source.Node{Kind: source.String, Pos: f.Pos, Text: f.Name})
		}
	}
	return &source.Node{Kind: source.Mapping, Pos: pos, Fields: []source.Field{
		{Name: "type", Pos: pos, Value: &source.Node{Kind: source.String, Pos: pos, Text: "object"}},
		{Name: "properties", Pos: pos, Value: all},
		{Name: "required", Pos: pos, Value: required},
	}}
}

// typeNames are the types of JSON schemas by what others call them.
var typeNames = map[string]string{
	"string": "string", "str": "string", "text": "string",
	"integer": "integer", "int": "integer", "number": "number", "float": "number", "double": "number",
	"boolean": "boolean", "bool": "boolean", "array": "array", "list": "array",
	"object": "object", "map": "object", "dict": "object",
}

// property returns what is said of an argument as a JSON schema: without the
// words that mean something else there.
func property(n *source.Node) *source.Node {
	if s := n.Get("schema"); s.Is(source.Mapping) {
		n = s
	}
	p := &source.Node{Kind: source.Mapping, Pos: n.Pos}
	for _, f := range n.Fields {
		switch f.Name {
		case "type":
			name, known := typeNames[strings.ToLower(f.Value.Str())]
			switch {
			case known:
				f.Value = &source.Node{Kind: source.String, Pos: f.Value.Pos, Text: name}
			case !f.Value.Is(source.Sequence):
				continue
			}
		case "items":
			if !f.Value.Is(source.Mapping) {
				continue
			}
			f.Value = property(f.Value)
		case "properties":
			if !f.Value.Is(source.Mapping) {
				continue
			}
		case "required":
			if !f.Value.Is(source.Sequence) {
				continue
			}
		case "enum":
			if !f.Value.Is(source.Sequence) || len(f.Value.Items) == 0 {
				continue
			}
		case "description", "title", "default", "const", "minimum", "maximum", "minLength", "maxLength", "pattern", "additionalProperties":
		default:
			continue
		}
		p.Fields = append(p.Fields, f)
	}
	return p
}
