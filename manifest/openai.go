package manifest

import (
	"cmp"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// isOpenAIListed recognises an item of OpenAI's Responses API: the tools that
// it found on an MCP server.
func isOpenAIListed(n *source.Node) bool { return n.Get("type").Str() == "mcp_list_tools" }

// isOpenAIResponse recognises a whole response, or a list of its items.
func isOpenAIResponse(n *source.Node) bool {
	return slices.ContainsFunc([]string{"output", "data"}, func(key string) bool {
		return isList(n, key) && anyElement(isOpenAIListed)(n.Get(key))
	}) || isOpenAIListed(n)
}

// openAIResponse reads the tools of all servers that a response lists. Tools
// that the request brought along are no server's.
func (r *reader) openAIResponse(n *source.Node) []*Inventory {
	if isOpenAIListed(n) {
		return []*Inventory{r.openAIListed(n)}
	}
	output := n.Get("output")
	if output == nil {
		output = n.Get("data")
	}
	list := r.openAIOutput(output)
	given := n.Get("tools")
	if !given.Is(source.Sequence) || !allElements(func(n *source.Node) bool { return n.Get("type").Is(source.String) })(given) {
		return list
	}
	r.read[given] = true
	for _, tool := range given.Items {
		r.read[tool] = true
		if allowed := tool.Get("allowed_tools"); tool.Get("type").Str() == "mcp" && allowed != nil && !allowed.Is(source.Null) {
			noteAllowed(list, tool.Get("server_label").Str(), allowed)
		}
	}
	if own := slices.IndexFunc(given.Items, func(n *source.Node) bool { return !isHostedTool(n) && n.Get("type").Str() != "mcp" }); own >= 0 {
		r.note(given.Items[own].Pos, "the functions that came with the request are left out: no MCP server offers them")
	}
	return list
}

// noteAllowed records that OpenAI was told to list some tools of a server only.
func noteAllowed(list []*Inventory, label string, allowed *source.Node) {
	for _, inv := range list {
		if inv.Server == label {
			inv.Gaps = append(inv.Gaps, Gap{
				Reason: Truncated, Pos: allowed.Pos, Types: Types(authz.ToolItem),
				Message: "allowed_tools: only these tools of " + quote(label) + " were asked for; " + saveItems(authz.ToolItem),
			})
		}
	}
}

// openAIOutput reads the items of a response: calls and messages beside the
// lists say nothing of what there is.
func (r *reader) openAIOutput(output *source.Node) []*Inventory {
	var list []*Inventory
	r.read[output] = true
	for _, item := range output.Items {
		r.read[item] = true
		if isOpenAIListed(item) {
			list = append(list, r.openAIListed(item))
		}
	}
	return list
}

func (r *reader) openAIListed(n *source.Node) *Inventory {
	inv := r.lists(n)
	inv.Format = OpenAIListed
	inv.Server = cmp.Or(n.Get("server_label").Str(), inv.Server)
	if failed := n.Get("error"); failed != nil && !failed.Is(source.Null) {
		inv.Gaps = append(inv.Gaps, Gap{
			Reason: Failed, Pos: failed.Pos, Types: Types(authz.ToolItem),
			Message: "OpenAI could not list the tools: " + describe(failed) + "; " + saveItems(authz.ToolItem),
		})
	}
	return inv
}
