package manifest

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

func hasTools(n *source.Node) bool { return isList(n, "tools") || isObject(n, "tools") }

// eachServer reads an array with one server an element. Where one is refused
// for what it is, so are the others.
func (r *reader) eachServer(n *source.Node) []*Inventory {
	var list []*Inventory
	for _, server := range n.Items {
		if r.refused {
			break
		}
		list = append(list, r.value(server)...)
	}
	return list
}

// listsServers recognises home-made files that keep servers, and their tools,
// under one key.
func listsServers(n *source.Node) bool {
	servers := n.Get("servers")
	return servers.Is(source.Sequence) && anyElement(describesTools)(servers) || anyField(servers, describesTools)
}

// describesTools tells the tools of a server from the names of those that a
// client may use ("tools": ["*"]).
func describesTools(n *source.Node) bool {
	return hasTools(n) && (!startsServer(n) || !allElements(isString)(n.Get("tools")))
}

func (r *reader) listedServers(n *source.Node) []*Inventory {
	servers := n.Get("servers")
	if servers.Is(source.Sequence) {
		return r.eachServer(servers)
	}
	return r.keyedServers(servers)
}

// isToolsByServer recognises tools that stand under the names of their
// servers.
func isToolsByServer(n *source.Node) bool {
	return allFields(n.Get("tools"), func(v *source.Node) bool { return v.Is(source.Sequence) || isList(v, "tools") })
}

func (r *reader) toolsByServer(n *source.Node) []*Inventory { return r.keyedServers(n.Get("tools")) }

func (r *reader) keyedServers(servers *source.Node) []*Inventory {
	var list []*Inventory
	for _, f := range servers.Fields {
		var inv *Inventory
		switch {
		case f.Value.Is(source.Sequence):
			inv = r.bare(f.Value, authz.ToolItem, MultiServer)
		case f.Value.Is(source.Mapping):
			inv = r.lists(f.Value)
		default:
			r.want(f.Value, quote(f.Name), "a server")
			continue
		}
		inv.Server, inv.Format = f.Name, MultiServer
		list = append(list, inv)
	}
	return list
}
