package manifest

import (
	"encoding/json"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// ArgumentsSchema returns the JSON Schema that the arguments of a call of the item have to
// fit: a tool's inputSchema, or what a prompt says of its arguments, which are texts. It is
// nil if nothing is said. That of a prompt is made anew each time.
func (i *Item) ArgumentsSchema() *source.Node {
	switch {
	case i.Schema != nil && !i.Schema.Is(source.Null):
		return i.Schema
	case i.Type != authz.PromptItem:
		return nil
	}
	return promptSchema(i.Arguments)
}

func promptSchema(arguments []Argument) *source.Node {
	properties, required := map[string]any{}, []any{}
	for _, a := range arguments {
		properties[a.Name] = map[string]any{"type": "string"}
		if a.Required {
			required = append(required, a.Name)
		}
	}
	text, err := json.Marshal(map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false})
	if err != nil {
		return nil // never: it is made here
	}
	n, err := source.ParseJSON("", text)
	if err != nil {
		return nil
	}
	return n
}
