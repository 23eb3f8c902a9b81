package manifest

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// startsServer recognises how a client starts or reaches one server.
func startsServer(n *source.Node) bool {
	for _, key := range []string{"command", "cmd", "url", "serverUrl", "httpUrl"} {
		if v := n.Get(key); v.Is(source.String) || key == "command" && v.Is(source.Sequence) {
			return true
		}
	}
	return false
}

// configKeys hold the servers of a client: Claude, Cursor, Gemini and most
// others, Zed, and those that write snake case.
var configKeys = []string{"mcpServers", "context_servers", "mcp_servers"}

func clientServers(n *source.Node) (key string, servers *source.Node) {
	for _, key := range configKeys {
		if v := n.Get(key); v.Is(source.Mapping) || v.Is(source.Sequence) {
			return key, v
		}
	}
	return "", nil
}

func isClientConfig(n *source.Node) bool {
	_, servers := clientServers(n)
	return servers != nil
}

func (r *reader) clientConfig(n *source.Node) []*Inventory {
	key, servers := clientServers(n)
	return r.refuseClient(n, key, servers)
}

func (r *reader) refuseClient(n *source.Node, key string, servers *source.Node) []*Inventory {
	r.refuse(notInventory(n.Pos, "a client configuration ("+key+": "+serverNames(servers)+")", startsServers, saveServers))
	return nil
}

// serverNames lists the servers of a configuration.
func serverNames(servers *source.Node) string {
	if servers.Is(source.Mapping) && len(servers.Fields) > 0 {
		return fieldNames(servers)
	}
	var names []string
	if servers.Is(source.Sequence) {
		for _, s := range servers.Items {
			if name := s.Get("name").Str(); name != "" && len(names) < maxListed {
				names = append(names, quote(name))
			}
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// isVSCode recognises .vscode/mcp.json.
func isVSCode(n *source.Node) bool {
	servers := n.Get("servers")
	return anyField(servers, func(s *source.Node) bool { return startsServer(s) || s.Get("type").Is(source.String) }) ||
		servers.Is(source.Mapping) && len(servers.Fields) == 0 && n.Get("inputs") != nil
}

func (r *reader) vscodeConfig(n *source.Node) []*Inventory {
	return r.refuseClient(n, "VS Code, servers", n.Get("servers"))
}

// isOtherClientConfig recognises the settings of VS Code and opencode (mcp),
// and ~/.claude.json (projects).
func isOtherClientConfig(n *source.Node) bool {
	if n.Get("tools").Is(source.Sequence) || isAgentGateway(n) {
		return false
	}
	return isObject(n, "mcp") || anyField(n.Get("projects"), isClientConfig)
}

func (r *reader) otherClientConfig(n *source.Node) []*Inventory {
	mcp := n.Get("mcp")
	if !mcp.Is(source.Mapping) {
		return r.refuseClient(n, "projects", n.Get("projects"))
	}
	if servers := mcp.Get("servers"); servers != nil {
		return r.refuseClient(n, "mcp.servers", servers)
	}
	return r.refuseClient(n, "mcp", mcp)
}

// isFlatClientConfig recognises servers that stand at the top, as in the
// plugins of Claude Code.
func isFlatClientConfig(n *source.Node) bool { return allFields(n, startsServer) || startsServer(n) }

func (r *reader) flatClientConfig(n *source.Node) []*Inventory {
	if startsServer(n) {
		r.refuse(notInventory(n.Pos, "the configuration of one server", startsOne, saveServers))
		return nil
	}
	return r.refuseClient(n, "servers", n)
}

func (r *reader) serverList(n *source.Node) []*Inventory { return r.refuseClient(n, "servers", n) }
