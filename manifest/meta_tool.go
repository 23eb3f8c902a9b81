package manifest

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A MetaTool is a tool that calls other tools of its server by name.
type MetaTool struct {
	Item    *Item
	Names   []string // of the tools that it calls; nil for any
	Because string   // what says so
}

// Calls reports whether the tool calls a tool of that name.
func (m *MetaTool) Calls(name string) bool {
	return name != m.Item.Name && (m.Names == nil || slices.Contains(m.Names, name))
}

// MetaTools returns the tools that call others, by the shape of their arguments: one whose
// values are names of tools; one that is called like a tool's name, beside one that is called
// like its arguments; or code, with a description that has it call tools. It overlooks those
// that look otherwise.
func (inv *Inventory) MetaTools() []MetaTool {
	var list []MetaTool
	for _, i := range inv.Items {
		if i.Type != authz.ToolItem {
			continue
		}
		if m, ok := inv.metaTool(i); ok {
			list = append(list, m)
		}
	}
	return list
}

func (inv *Inventory) metaTool(i *Item) (MetaTool, bool) {
	properties := i.Schema.Get("properties")
	if !properties.Is(source.Mapping) {
		return MetaTool{}, false
	}
	name, arguments := "", false
	for _, f := range properties.Fields {
		if names := inv.toolsNamed(f.Value, i); names != nil {
			return MetaTool{i, names, "the values of its argument " + f.Name + " are names of tools"}, true
		}
		words := strings.Join(Words(f.Name), " ")
		switch {
		case isText(f.Value) && (slices.Contains(toolNames, words) || words == "name" && aboutTools(i)):
			name = f.Name
		case slices.Contains(toolArguments, words) && !isText(f.Value):
			arguments = true
		case slices.Contains(codes, words) && isText(f.Value) && callsTools(i.Description+" "+f.Value.Get("description").Str()):
			return MetaTool{i, nil, "its argument " + f.Name + " is code that calls tools"}, true
		}
	}
	if name == "" || !arguments {
		return MetaTool{}, false
	}
	return MetaTool{i, nil, "its argument " + name + " names a tool, and another has what to call it with"}, true
}

var (
	toolNames     = []string{"tool", "tool name", "tool id", "target tool"}
	toolArguments = []string{"arguments", "args", "params", "parameters", "input", "inputs", "kwargs", "tool arguments", "tool args", "tool input", "tool params", "tool parameters"}
	codes         = []string{"code", "script", "source", "program"}
)

// aboutTools reports whether the name of a tool says that it is about tools.
func aboutTools(i *Item) bool {
	return slices.ContainsFunc(Words(i.Name), func(w string) bool { return w == "tool" || w == "tools" })
}

// callsTools reports whether a description has code call tools.
func callsTools(description string) bool {
	return strings.Contains(description, "call_tool(") || strings.Contains(description, "callTool(")
}

// isText reports whether the values of an argument are texts; those of which nothing is said are not.
func isText(n *source.Node) bool { return n.Get("type").Str() == "string" }

// toolsNamed returns the values of an argument, or of the elements of one, if they are two or more names
// of other tools and nothing else.
func (inv *Inventory) toolsNamed(n *source.Node, but *Item) []string {
	values := n.Get("enum")
	if values == nil {
		values = n.Get("items").Get("enum")
	}
	if !values.Is(source.Sequence) {
		return nil
	}
	var names []string
	for _, v := range values.Items {
		known := slices.ContainsFunc(inv.Items, func(i *Item) bool { return i.Type == authz.ToolItem && i != but && i.Name == v.Str() })
		if !known {
			return nil
		}
		names = append(names, v.Str())
	}
	if len(names) < 2 {
		return nil
	}
	return names
}
