package manifest

import (
	"github.com/mcpolicy/mcpolicy/source"
)

// Parts of the $schema of files about servers.
const (
	serverCardSchema    = "/server-card"
	registryEntrySchema = "/server.schema.json"
)

func isServerEntry(n *source.Node) bool {
	return isObject(n, "server") && n.Get("tools") == nil || isList(n, "packages") || isList(n, "remotes")
}

// isRegistryList recognises an answer of the registry, and any other list of
// servers without their tools.
func isRegistryList(n *source.Node) bool { return isList(n, "servers") }

func (r *reader) registryList(n *source.Node) []*Inventory {
	servers := n
	if n.Is(source.Mapping) {
		servers = n.Get("servers")
	}
	what := "a list of servers"
	if anyElement(isServerEntry)(servers) {
		what = "a list of MCP registry entries"
	}
	r.refuse(notInventory(n.Pos, what, placesServer, saveRunning))
	return nil
}

func isRegistryEntry(n *source.Node) bool {
	return n.Get("tools") == nil && (schemaNames(n, registryEntrySchema) || isList(n, "packages") || isList(n, "remotes"))
}

func (r *reader) registryEntry(n *source.Node) []*Inventory {
	r.refuse(notInventory(n.Pos, "an MCP registry entry ("+named(n, "server.json")+")", placesServer, saveRunning))
	return nil
}

func named(n *source.Node, kind string) string {
	if name := n.Get("name").Str(); name != "" {
		return kind + " of " + quote(name)
	}
	return kind
}

func isOfficialServerCard(n *source.Node) bool {
	return schemaNames(n, serverCardSchema) && !isListResult(n)
}

func isServerCard(n *source.Node) bool {
	return isObject(n, "serverInfo") && n.Get("transport") != nil && !isListResult(n)
}

// serverCard refuses a card, unless it lists tools among the capabilities.
func (r *reader) serverCard(n *source.Node) []*Inventory {
	if capabilities := n.Get("capabilities"); isList(capabilities, "tools") {
		inv := r.lists(capabilities)
		inv.Server, inv.Format, inv.Protocol, inv.Pos = serverName(n), ServerCard, n.Get("protocolVersion").Str(), n.Pos
		return []*Inventory{inv}
	}
	r.refuse(notInventory(n.Pos, "an MCP server card", "it says where a server is, not what it offers", saveRunning))
	return nil
}

func isBrowserExtension(n *source.Node) bool {
	v := n.Get("manifest_version")
	return v.Is(source.Number) && !isDottedVersion(v)
}

func (r *reader) browserExtension(n *source.Node) []*Inventory {
	r.refuse(notInventory(n.Get("manifest_version").Pos, "the manifest of a browser extension",
		"its manifest_version is a whole number, where an MCPB manifest has a string", "hand over the inventory of an MCP server"))
	return nil
}
