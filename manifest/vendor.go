package manifest

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// isModelTool recognises a tool as it is sent to a model: OpenAI's with
// parameters, wrapped in a function or not, or Anthropic's with input_schema.
func isModelTool(n *source.Node) bool {
	return isOpenAITool(n) || n.Get("name") != nil && n.Get("input_schema") != nil
}

func isOpenAITool(n *source.Node) bool {
	return isObject(n, "function") || n.Get("type").Str() == "function" || n.Get("name") != nil && isObject(n, "parameters")
}

func modelFormat(list *source.Node) Format {
	if anyElement(isOpenAITool)(list) {
		return OpenAITools
	}
	return AnthropicTools
}

func (r *reader) modelTools(n *source.Node) []*Inventory {
	return []*Inventory{r.bare(n, authz.ToolItem, modelFormat(n))}
}

// isAzure recognises the consolidated tools of Azure's MCP server. Each stands
// for several of its older ones, but it is the entry that is offered.
func isAzure(n *source.Node) bool { return isList(n, "consolidated_tools") }

func (r *reader) azure(n *source.Node) []*Inventory {
	list := n.Get("consolidated_tools")
	inv := r.bare(list, authz.ToolItem, AzureTools)
	inv.Pos = n.Pos
	nodes := byPos(list)
	for _, it := range inv.Items {
		it.Hints = r.azureHints(nodes[it.Pos])
	}
	return []*Inventory{inv}
}

// azureHints reads hints of the form {"readOnly": {"value": true}}.
func (r *reader) azureHints(tool *source.Node) Hints {
	var h Hints
	meta := r.mapping(tool, "toolMetadata")
	for _, name := range hintNames {
		*name.hint(&h) = r.hint(r.mapping(meta, name.azure), "value")
	}
	return h
}
