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
	switch {
	case anyElement(isOpenAITool)(list):
		return OpenAITools
	case anyElement(isAnnotated)(list): // which Anthropic's never are
		return ToolArray
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
	return []*Inventory{inv}
}
