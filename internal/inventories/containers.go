package inventories

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A container is a shape that the package knows, with the servers in it.
type container struct {
	name string
	make func(*Maker) (any, []Server)
}

var containers = []container{
	{"list result", func(m *Maker) (any, []Server) { s, lists := m.named(); return lists, s }},
	{"unnamed list result", func(m *Maker) (any, []Server) { s, lists := m.server(); s.Name = ""; return lists, []Server{s} }},
	{"envelope", func(m *Maker) (any, []Server) {
		s, lists := m.named()
		return object{"jsonrpc": "2.0", "id": 1, "result": lists}, s
	}},
	{"transcript", func(m *Maker) (any, []Server) {
		s, lists := m.server()
		messages := list{object{"jsonrpc": "2.0", "id": 0, "result": object{"serverInfo": object{"name": s.Name}, "capabilities": object{}}}}
		for _, key := range slices.Sorted(maps.Keys(lists)) {
			messages = append(messages, object{"jsonrpc": "2.0", "id": len(messages), "result": object{key: lists[key]}})
		}
		return messages, []Server{s}
	}},
	{"servers", func(m *Maker) (any, []Server) {
		v, s := m.several()
		return object{"version": "1", "servers": v}, s
	}},
	{"registry", (*Maker).registry},
	{"own beside servers", func(m *Maker) (any, []Server) {
		own, lists := m.named()
		v, s := m.several()
		lists["servers"] = v
		return lists, append(own, s...)
	}},
	{"array", func(m *Maker) (any, []Server) {
		var l list
		var all []Server
		for range 1 + m.IntN(3) {
			s, lists := m.named()
			l, all = append(l, lists), append(all, s...)
		}
		return l, all
	}},
	{"tools by server", func(m *Maker) (any, []Server) {
		by := object{}
		var all []Server
		for range 1 + m.IntN(3) {
			s, lists := m.server()
			by[s.Name], all = lists, append(all, s)
		}
		o := object{"tools": by}
		if m.chance(30) {
			o["prompts"] = list{object{"name": "hello"}}
			all = append(all, Server{Items: []Item{{Type: authz.PromptItem, Name: "hello"}}})
		}
		return o, all
	}},
	{"agent-scan", func(m *Maker) (any, []Server) {
		var servers list
		var all []Server
		for range 1 + m.IntN(3) {
			s, lists := m.server()
			lists["metadata"] = object{"serverInfo": object{"name": "x"}}
			servers, all = append(servers, object{"name": s.Name, "server": object{"command": "x"}, "signature": lists}), append(all, s)
		}
		return pick[any](m, object{"servers": servers}, object{"/home/.mcp.json": object{"client": "c", "servers": servers}}), all
	}},
	{"OpenAI response", func(m *Maker) (any, []Server) {
		var output list
		var all []Server
		for range 1 + m.IntN(2) {
			s, lists := m.server()
			s.Items = slices.DeleteFunc(s.Items, func(it Item) bool { return it.Type != authz.ToolItem })
			output = append(output, object{"type": "mcp_list_tools", "server_label": s.Name, "tools": lists["tools"]}, object{"type": "message", "content": list{}})
			all = append(all, s)
		}
		return pick[any](m, output, object{"object": "response", "output": output}), all
	}},
	{"bare array", func(m *Maker) (any, []Server) {
		s := Server{}
		m.servers++
		var l list
		for i := range 1 + m.IntN(4) {
			made := Item{Name: fmt.Sprintf("get_card%d_s%d", i, m.servers), Hints: "----"}
			tool := m.tool(&made, 0)
			tool["name"] = made.Name
			l, s.Items = append(l, tool), append(s.Items, made)
		}
		return l, []Server{s}
	}},
	{"fastmcp inspect", func(m *Maker) (any, []Server) {
		s, lists := m.inOrder()
		lists["resources"] = nil
		switch pick(m, 1, 2, 3) {
		case 1:
			lists["fastmcp_version"], lists["name"], lists["templates"] = "2.10.0", s.Name, list{}
		case 2:
			lists["environment"], lists["server"], lists["templates"] = object{"fastmcp": "3.4.9"}, object{"name": s.Name}, list{}
		case 3:
			lists["environment"], lists["serverInfo"], lists["resourceTemplates"] = object{"fastmcp": "4.1.0"}, object{"name": s.Name}, list{}
		}
		return lists, []Server{s}
	}},
	{"server card", func(m *Maker) (any, []Server) {
		s, lists := m.server()
		lists["serverInfo"], lists["transport"] = object{"name": s.Name}, object{"type": "http"}
		return lists, []Server{s}
	}},
	{"MCPB", func(m *Maker) (any, []Server) {
		s, l := m.plain()
		return object{
			"manifest_version": "0.3", "name": s.Name, "server": object{"type": "node"}, "tools": l, "author": object{"name": "Ada"},
			"user_config": object{"key": object{"type": "string", "title": "Key", "description": "A key"}},
		}, []Server{s}
	}},
	{"Docker catalog", func(m *Maker) (any, []Server) {
		o := object{}
		var all []Server
		for range 1 + m.IntN(3) {
			s, l := m.plain()
			o[s.Name], all = object{"type": "server", "image": "x", "tools": l, "env": list{object{"name": "KEY", "description": "A key"}}}, append(all, s)
		}
		return object{"registry": o}, all
	}},
	{"Azure", func(m *Maker) (any, []Server) {
		s, l := m.plain()
		s.Name = ""
		for i, tool := range l {
			readOnly := m.chance(50)
			s.Items[i].Hints = string(letterOf(readOnly)) + "---"
			tool.(object)["toolMetadata"] = object{"readOnly": object{"value": readOnly, "description": "Whether it only reads"}}
			tool.(object)["mappedToolList"] = list{"older_one", "older_two"}
		}
		return object{"consolidated_tools": l}, []Server{s}
	}},
	{"Toolbox", (*Maker).toolbox},
}

// inOrder makes a server whose tools are a list of objects.
func (m *Maker) inOrder() (Server, object) {
	for {
		s, lists := m.server()
		if l, ok := lists["tools"].(list); ok && len(lists) == 1 {
			if _, ok := l[0].(object); ok {
				return s, lists
			}
		}
	}
}

// plain makes a server whose tools have names and descriptions and no more.
func (m *Maker) plain() (Server, list) {
	s := Server{Name: fmt.Sprintf("plain%d", m.servers)}
	m.servers++
	var l list
	for i := range 1 + m.IntN(4) {
		name := fmt.Sprintf("send_mail%d_s%d", i, m.servers)
		l = append(l, object{"name": name, "description": "Does it."})
		s.Items = append(s.Items, Item{Name: name, Hints: "----"})
	}
	return s, l
}

// toolbox makes a tools.yaml of MCP Toolbox, in its older notation or in its
// newer one.
func (m *Maker) toolbox() (any, []Server) {
	s, plain := m.plain()
	s.Name = ""
	byName := object{}
	documents := list{object{"kind": "source", "name": "main", "type": "postgres"}}
	for i, v := range plain {
		tool := v.(object)
		tool["source"], tool["statement"] = "main", "SELECT 1;"
		if m.chance(60) {
			arguments := m.arguments()
			s.Items[i].Schema, tool["parameters"] = arguments.schema(), arguments.list()
		}
		older, newer := maps.Clone(tool), maps.Clone(tool)
		delete(older, "name")
		older["kind"], newer["kind"], newer["type"] = "postgres-sql", "tool", "postgres-sql"
		byName[s.Items[i].Name], documents = older, append(documents, newer)
	}
	older := object{"sources": object{"main": object{"kind": "postgres"}}, "tools": byName, "toolsets": object{"all": list{"some"}}}
	return pick[any](m, documents, older), []Server{s}
}

// named makes a server that says its name.
func (m *Maker) named() ([]Server, object) {
	s, lists := m.server()
	lists["name"] = s.Name
	return []Server{s}, lists
}

// several makes servers in a list, or under their names.
func (m *Maker) several() (any, []Server) {
	var all []Server
	l, by := list{}, object{}
	for range 1 + m.IntN(3) {
		s, lists := m.named()
		all, l = append(all, s...), append(l, lists)
		by[s[0].Name] = lists
	}
	if m.chance(50) {
		return l, all
	}
	return by, all
}

// registry makes servers, remote servers and groups of both.
func (m *Maker) registry() (any, []Server) {
	o := object{"version": "1.0.0"}
	v, all := m.several()
	o["servers"] = v
	if m.chance(60) {
		s, lists := m.named()
		lists["url"] = "https://remote.example/mcp"
		o["remote_servers"], all = object{s[0].Name: lists}, append(all, s...)
	}
	if m.chance(40) {
		inner, s := m.registry()
		group := inner.(object)
		group["name"], group["description"] = "group", "Some of them"
		o["groups"], all = list{group, object{"name": "none", "servers": object{}}}, append(all, s...)
	}
	return o, all
}

// Container makes a container of a known shape.
func (m *Maker) Container() (name string, v any, servers []Server) {
	c := containers[m.IntN(len(containers))]
	v, servers = c.make(m)
	return c.name, v, servers
}

// Disguised puts several containers together in a way that nobody knows, or
// hides tools under another key.
func (m *Maker) Disguised() (any, []Server) {
	_, v, all := m.Container()
	root, ok := v.(object)
	if !ok || m.chance(20) {
		root = object{pick(m, "data", "items", "registry", "result"): v}
	}
	place := root
	for range m.IntN(3) {
		next := object{}
		place[pick(m, "more", "catalog", "x-internal", "config", "list")] = next
		place = next
	}
	for range 1 + m.IntN(2) {
		name, other, s := m.Container()
		key := pick(m, "extra", "gadgets", "mounted", "toolkit")
		if name != "bare array" && m.chance(50) { // names and descriptions below it would be servers
			key = pick(m, "servers", "remote_servers", "groups")
		}
		if o, isObject := other.(object); isObject && m.chance(40) {
			maps.Copy(place, o) // which may replace what is there
		} else {
			place[key] = other
		}
		all = append(all, s...)
	}
	return root, all
}
