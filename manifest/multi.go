package manifest

import (
	"slices"

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

// The keys under which an object keeps servers: home-made files, and the
// registries of ToolHive, which have groups of servers too.
const (
	serversKey = "servers"
	groupsKey  = "groups"
)

var remoteKeys = []string{"remote_servers", "remoteServers"}

func isServersKey(key string) bool {
	return key == serversKey || key == groupsKey || slices.Contains(remoteKeys, key)
}

// isCollection recognises an object that keeps servers, and their tools, under
// one key or several.
func isCollection(n *source.Node) bool {
	return n.Is(source.Mapping) && slices.ContainsFunc(n.Fields, func(f source.Field) bool {
		switch {
		case f.Name == serversKey:
			return anyChild(f.Value, describesTools) || anyChild(f.Value, isCollection)
		case f.Name == groupsKey:
			return anyChild(f.Value, isCollection)
		case slices.Contains(remoteKeys, f.Name):
			return anyChild(f.Value, hasTools)
		}
		return false
	})
}

// anyChild reports whether an element of a list, or the value of a field, fits.
func anyChild(n *source.Node, is func(*source.Node) bool) bool {
	return n.Is(source.Sequence) && anyElement(is)(n) || anyField(n, is)
}

// describesTools tells the tools of a server from the names of those that a
// client may use ("tools": ["*"]).
func describesTools(n *source.Node) bool {
	return hasTools(n) && (!startsServer(n) || !allElements(isString)(n.Get("tools")))
}

// collection reads all that an object keeps: its own lists, and the servers
// under every key.
func (r *reader) collection(n *source.Node) []*Inventory {
	var list []*Inventory
	for _, own := range r.own(n) {
		if len(own.Items) > 0 || len(own.Gaps) > 0 {
			list = append(list, own)
		}
	}
	for _, f := range n.Fields {
		if isServersKey(f.Name) {
			list = append(list, r.servers(f)...)
		}
	}
	return list
}

// own reads the lists of an object that has others beside them.
func (r *reader) own(n *source.Node) []*Inventory {
	switch {
	case isToolsByServer(n):
		return r.toolsByServer(n)
	case isListResult(n):
		return r.listResult(n)
	}
	return nil
}

// servers reads what stands under one of the keys for servers.
func (r *reader) servers(f source.Field) []*Inventory {
	switch {
	case f.Value.Is(source.Mapping):
		return r.keyedServers(f.Value)
	case f.Value.Is(source.Sequence) && f.Name == groupsKey:
		return r.eachServer(&source.Node{Items: slices.DeleteFunc(slices.Clone(f.Value.Items), isEmptyGroup)})
	case f.Value.Is(source.Sequence):
		return r.eachServer(f.Value)
	case !f.Value.Is(source.Null):
		r.want(f.Value, f.Name, "servers")
	}
	return nil
}

// isEmptyGroup recognises a group without any server.
func isEmptyGroup(n *source.Node) bool {
	return n.Is(source.Mapping) && !isCollection(n) && !isListResult(n) && !slices.ContainsFunc(n.Fields, func(f source.Field) bool {
		return isServersKey(f.Name) && len(f.Value.Fields)+len(f.Value.Items) > 0
	})
}

// isToolsByServer recognises tools that stand under the names of their
// servers.
func isToolsByServer(n *source.Node) bool {
	return allFields(n.Get("tools"), func(v *source.Node) bool { return v.Is(source.Sequence) || hasTools(v) })
}

// toolsByServer reads those, and the other lists that the object has, which
// are its own.
func (r *reader) toolsByServer(n *source.Node) []*Inventory {
	list := r.keyedServers(n.Get("tools"))
	if own := r.listsOf(n, authz.PromptItem, authz.ResourceItem, authz.TemplateItem); len(own.Items) > 0 || len(own.Gaps) > 0 {
		list = append([]*Inventory{own}, list...)
	}
	return list
}

func (r *reader) keyedServers(servers *source.Node) []*Inventory {
	var list []*Inventory
	for _, f := range servers.Fields {
		var part []*Inventory
		switch {
		case anyElement(isServer)(f.Value):
			list = append(list, r.eachServer(f.Value)...)
			continue
		case f.Value.Is(source.Sequence):
			part = []*Inventory{r.bare(f.Value, authz.ToolItem, MultiServer)}
		case isCollection(f.Value):
			list = append(list, r.nested(f)...)
			continue
		case f.Value.Is(source.Mapping) && !isListResult(f.Value) && (isEnvelope(f.Value) || isAgentScanServer(f.Value)):
			part = r.value(f.Value)
		case f.Value.Is(source.Mapping):
			part = []*Inventory{r.lists(f.Value)}
		default:
			r.want(f.Value, quote(f.Name), "a server")
			continue
		}
		for _, inv := range part {
			inv.Server, inv.Format = f.Name, MultiServer
		}
		list = append(list, part...)
	}
	return list
}

// isServer tells a server from a tool.
func isServer(n *source.Node) bool {
	return hasTools(n) || isAgentScanServer(n) || isCollection(n)
}

// nested reads a server, or a group, that keeps others. Its key names what is
// its own.
func (r *reader) nested(f source.Field) []*Inventory {
	list := r.collection(f.Value)
	for _, inv := range list {
		if inv.Pos == f.Value.Pos {
			inv.Server, inv.Format = f.Name, MultiServer
		}
	}
	return list
}
