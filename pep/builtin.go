package pep

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
)

// cerbosFastMCP is cerbos-fastmcp 0.1.1, middleware for FastMCP servers, as
// its source and running servers show it.
//
// A list asks once as a whole and then for each tool; prompts and resources
// are listed as a whole; reads, gets and the templates are never asked about.
// On FastMCP 2 lists ask by a mounted tool's own name and calls by its wire
// name; on 2.14 a call made as a task goes past the middleware; on 4 it cannot
// be imported.
func cerbosFastMCP(server string, with With, inventory string) *Profile {
	kind := with.kind("mcp_server")
	p := &Profile{Name: authz.CerbosFastMCP, server: server, FastMCP: with.FastMCP, FastMCPKnown: true}
	if p.FastMCP == "" {
		p.FastMCP = inventory
	}
	if p.FastMCP == "" {
		p.FastMCP, p.FastMCPKnown = "3", false
	}
	major, minor := majorMinor(p.FastMCP)
	p.ownNames = major == "2"
	p.tasksSkip = major == "2" && minor == "14"
	if major == "4" {
		p.Unsupported = "cerbos-fastmcp 0.1.1 cannot be imported on FastMCP 4, so it does not guard this server"
	}
	gate := func(method string) template {
		return template{kind: kind, id: literal(method), action: literal(method)}
	}
	tool := func(action string) template {
		return template{kind: kind, id: mustParse("{name}"), action: mustParse(action), attr: compileMap(map[string]any{
			"tool_name": "{name}", "source": "client", "arguments": "{arguments}",
		})}
	}
	p.refused, p.admitted = unauthorized, slices.Concat(unknownTool, validation)
	p.operations = map[string]operation{
		"tools/list":               {authz.FilterOwn, []template{gate("tools/list"), tool("tools/list::{name}")}},
		"tools/call":               {requests: []template{tool("tools/call::{name}")}},
		"prompts/list":             {authz.FilterGate, []template{gate("prompts/list")}},
		"resources/list":           {authz.FilterGate, []template{gate("resources/list")}},
		"resources/templates/list": {},
	}
	return p
}

// toolAsAction is Cerbos's own MCP demo: the tool is the action, and what is
// not allowed is removed from the session, so one decision serves both
// operations. The arguments are not sent.
func toolAsAction(server string, with With) *Profile {
	kind := with.kind("mcp::" + server)
	return &Profile{Name: authz.ToolAsAction, server: server, admitted: validation, operations: map[string]operation{
		"tools/list": {filter: authz.FilterCall},
		"tools/call": {requests: []template{{kind: kind, id: literal("session"), action: mustParse("{name}")}}},
	}}
}

// toolAsResource has one kind of resource for all tools and one action for
// all calls. The arguments are not sent, and the list is filtered by the call.
func toolAsResource(server string, with With) *Profile {
	kind, action := with.kind("mcp_tool"), literal("execute")
	if with.Action != "" {
		action, _ = parse(with.Action)
	}
	return &Profile{Name: authz.ToolAsResource, server: server, admitted: validation, operations: map[string]operation{
		"tools/list": {filter: authz.FilterCall},
		"tools/call": {requests: []template{{
			kind: kind, id: mustParse("{name}"), action: action, attr: compileMap(map[string]any{"tool_id": "{name}"}),
		}}},
	}}
}

// CallsAsTasks reports what becomes of a call made as a task: whether the
// enforcement point lets it pass unasked, and whether that is known. From
// FastMCP 3 on such calls are checked like others.
func (p *Profile) CallsAsTasks(support string) (skipped, sure bool) {
	if p.Name != authz.CerbosFastMCP || (support != "optional" && support != "required") {
		return false, true
	}
	major, minor := majorMinor(p.FastMCP)
	return p.tasksSkip, p.FastMCPKnown && (major != "2" || minor != "")
}
