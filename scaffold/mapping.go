package scaffold

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// readMappings finds what tools declare is asked about their calls. A mapping that asks about the
// tool by its name, as the default does, and gives besides what of arguments and claims is to be
// seen, is one that policies are written for. Of any other only its author knows what it asks.
func (s *guarded) readMappings() {
	if !s.ids {
		return
	}
	s.tools = slices.DeleteFunc(s.tools, func(t *tool) bool {
		t.mapped = t.item.Schema.Get(coaz.Key) != nil
		closed := t.mapped && !asksByName(t.item)
		if closed {
			s.closed = append(s.closed, t)
		}
		return closed
	})
}

// evaluationOf returns the one evaluation of a tool's mapping, or nil.
func evaluationOf(item *manifest.Item) *source.Node {
	declared := item.Schema.Get(coaz.Key)
	if declared == nil || len(declared.Fields) != 1 {
		return nil
	}
	return declared.Get("evaluation")
}

// asksByName reports whether a mapping asks what the default does of the same caller, and no
// more than adds attributes.
func asksByName(item *manifest.Item) bool {
	m, err := coaz.Parse(item.Schema)
	e := evaluationOf(item)
	if m == nil || err != nil || e == nil {
		return false
	}
	is := func(part, key string, want ...string) bool {
		n := e.Get(part).Get(key)
		return n != nil && slices.Contains(want, n.Str())
	}
	subject := e.Get("subject")
	for _, key := range []string{"id", "type"} {
		if subject.Get(key) != nil {
			return false
		}
	}
	for _, part := range []string{"subject", "resource"} {
		for _, f := range fieldsOf(e.Get(part).Get("properties")) {
			if strings.HasPrefix(f.Name, "cerbos.") {
				return false
			}
		}
	}
	return is("action", "name", "tools/call") && is("resource", "type", "tool") && is("resource", "id", item.Name, "$params.name")
}

func fieldsOf(n *source.Node) []source.Field {
	if n == nil {
		return nil
	}
	return n.Fields
}

// givesArgument reports whether a mapping gives an argument and the attribute that it is held to, each
// by the name that it has.
func givesArgument(item *manifest.Item, a argument) bool {
	e := evaluationOf(item)
	value := e.Get("resource").Get("properties").Get(a.name)
	claim := e.Get("subject").Get("properties").Get(a.class.attribute)
	if value == nil || claim == nil {
		return false
	}
	whole := value.Str() == "$"+below("params.arguments", a.name)
	optional := value.Str() == "$params.arguments.?"+a.name
	return (optional || whole && a.required) && claim.Str() == "$token."+a.class.attribute
}

// example writes a mapping that the first of the tools could declare of whose calls too little is
// seen, "" where there is none.
func (p *plan) example(s *guarded) string {
	if !s.ids {
		return ""
	}
	at := slices.IndexFunc(s.tools, func(t *tool) bool { return len(t.unseen) > 0 })
	if at < 0 {
		return ""
	}
	t := s.tools[at]
	claims, values := map[string]any{}, map[string]any{}
	for _, a := range argumentsOf(t.item) {
		if !slices.Contains(t.unseen, a.class.name) || len(values) == most {
			continue
		}
		claims[a.class.attribute] = "$token." + a.class.attribute
		values[a.name] = "$" + below("params.arguments", a.name)
		if !a.required && !strings.HasSuffix(below("", a.name), "]") {
			values[a.name] = "$params.arguments.?" + a.name
		}
	}
	return source.JSONText(map[string]any{"evaluation": map[string]any{
		"subject":  map[string]any{"properties": claims},
		"action":   map[string]any{"name": "tools/call"},
		"resource": map[string]any{"type": "tool", "id": t.item.Name, "properties": values},
	}})
}
