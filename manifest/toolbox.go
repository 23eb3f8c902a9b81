package manifest

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// toolboxKinds are the kinds of documents in a tools.yaml of MCP Toolbox for
// Databases. Older releases had the plural of each.
var toolboxKinds = []string{"tool", "toolset", "source", "authService", "authSource", "embeddingModel", "prompt", "promptset", "resource", "group"}

func toolboxKind(n *source.Node) string { return strings.TrimSuffix(n.Get("kind").Str(), "s") }

// isToolboxDocument recognises a document of newer releases, which have one for
// each tool.
func isToolboxDocument(n *source.Node) bool {
	return slices.Contains(toolboxKinds, toolboxKind(n)) && n.Get("name").Is(source.String) && n.Get("apiVersion") == nil &&
		(toolboxKind(n) != "tool" || n.Get("type").Is(source.String))
}

// isToolboxTool recognises a tool by how it is carried out: the kind of it,
// which newer releases call its type, and the source that it asks or what it
// does there.
func isToolboxTool(n *source.Node) bool {
	of := func(key string) bool { return n.Get(key).Is(source.String) }
	return (of("kind") || of("type")) && n.Get("type").Str() != "function" && (of("source") || of("statement") || of("method") && of("path"))
}

func (r *reader) toolbox(n *source.Node) []*Inventory {
	return r.toolboxDocuments(&source.Node{Kind: source.Sequence, Pos: n.Pos, Items: []*source.Node{n}})
}

// toolboxDocuments reads the documents of one file, which are one server. They
// may stand beside the older notation. Sources, toolsets and what else there
// is offer nothing of their own.
func (r *reader) toolboxDocuments(n *source.Node) []*Inventory {
	inv := &Inventory{Format: Toolbox, Pos: n.Pos, Types: Types(authz.ToolItem)}
	r.read[n] = true
	for _, doc := range n.Items {
		if !isToolboxDocument(doc) {
			if isListResult(doc) {
				part := r.lists(doc)
				inv.Items, inv.Gaps, inv.Types = append(inv.Items, part.Items...), append(inv.Gaps, part.Gaps...), inv.Types|part.Types
			} else if !doc.Is(source.Mapping) || !isToolboxSection(doc) {
				r.errorf(doc.Pos, "want a document of MCP Toolbox (kind: tool, source, toolset ...), have %s", describe(doc))
			}
			continue
		}
		r.read[doc] = true
		t := authz.ToolItem
		switch toolboxKind(doc) {
		case "tool":
		case "prompt":
			t = authz.PromptItem
		case "resource":
			t = authz.ResourceItem
			if doc.Get("uri") == nil {
				t = authz.TemplateItem
			}
		default:
			continue
		}
		inv.Types |= Types(t)
		if it := r.item(doc, t, ""); it != nil {
			inv.Items = append(inv.Items, it)
		}
	}
	return []*Inventory{inv}
}

// isToolboxSection recognises a document of the older notation without tools.
func isToolboxSection(n *source.Node) bool {
	return slices.ContainsFunc(toolboxKinds, func(kind string) bool { return isObject(n, kind+"s") })
}

// toolboxSchema returns the schema of a tool's arguments: all the lists of
// parameters together, whatever the kind of the tool calls them. Some kinds
// have arguments of their own, so that only a statement, or a request, makes
// them known. It returns nil where the tool lists none.
func toolboxSchema(n *source.Node) *source.Node {
	var list []source.Field
	for _, f := range n.Fields {
		isParameters := strings.HasSuffix(strings.ToLower(f.Name), "parameters") || strings.HasSuffix(f.Name, "Params")
		if !isParameters || !f.Value.Is(source.Sequence) {
			continue
		}
		for _, p := range f.Value.Items {
			if p.Get("name").Str() == "" || p.Get("valueFromParam").Str() != "" { // a copy of another
				continue
			}
			list = append(list, source.Field{Name: p.Get("name").Text, Pos: p.Pos, Value: toolboxParameter(p)})
		}
	}
	if len(list) == 0 {
		return nil
	}
	schema := schemaOf(list[0].Pos, list)
	if !n.Get("statement").Is(source.String) && !n.Get("path").Is(source.String) {
		schema.Fields = append(schema.Fields, source.Field{
			Name: "additionalProperties", Pos: schema.Pos, Value: &source.Node{Kind: source.Bool, Pos: schema.Pos, Text: "true"},
		})
	}
	return schema
}

// toolboxParameter makes a parameter say that it is required, as it is unless
// it says otherwise or has a default.
func toolboxParameter(p *source.Node) *source.Node {
	byDefault := p.Get("default") != nil && !p.Get("default").Is(source.Null)
	stated := p.Get("required").Is(source.Bool)
	q := *p
	q.Fields = slices.DeleteFunc(slices.Clone(p.Fields), func(f source.Field) bool { return byDefault && f.Name == "required" })
	if !stated && !byDefault {
		q.Fields = append(q.Fields, source.Field{Name: "required", Pos: p.Pos, Value: &source.Node{Kind: source.Bool, Pos: p.Pos, Text: "true"}})
	}
	return &q
}
