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
	p := &Profile{Name: authz.CerbosFastMCP, server: server, FastMCP: with.FastMCP, FastMCPKnown: true, facts: cerbosFastMCPFacts()}
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

func cerbosFastMCPFacts() Facts {
	return Facts{
		NoPolicy: Fact{authz.Refuse, Observed, "It does what Cerbos says, which is a denial."},
		PDPError: Fact{authz.Refuse, Read, "Lists are empty, and calls are refused."},
		PDPDown: Fact{authz.Refuse, Observed, "Lists are empty, calls are refused and initialize fails; " +
			"resources/read and prompts/get, which it never asks about, still work."},
		UnknownOperations: Fact{authz.Pass, Read, "It asks about calls of tools and three lists, and about nothing else."},
		Requests:          Observed,
		Sources: []string{
			"github.com/cerbos/cerbos-fastmcp 0.1.1, src/cerbos_fastmcp/middleware.py",
			"servers on FastMCP 2.14, 3.4 and 4.1, with Cerbos 0.55.0",
		},
	}
}

// toolAsAction is Cerbos's own MCP demo: the tool is the action, and what is
// not allowed is removed from the session, so one decision serves both
// operations. The arguments are not sent. The id of the session, which is another each
// time, is the resource's.
func toolAsAction(server string, with With) *Profile {
	kind := with.kind("mcp::" + server)
	return &Profile{
		Name: authz.ToolAsAction, server: server, admitted: validation,
		operations: map[string]operation{
			"tools/list": {filter: authz.FilterCall},
			"tools/call": {requests: []template{{kind: kind, id: literal("session"), action: mustParse("{name}")}}},
		},
		facts: Facts{
			NoPolicy:          Fact{authz.Refuse, Read, "It does what Cerbos says, which is a denial."},
			PDPError:          Fact{authz.Refuse, Read, "No session begins: it asks about all tools before it answers anything."},
			PDPDown:           Fact{authz.Refuse, Read, "No session begins: it asks about all tools before it answers anything."},
			UnknownOperations: Fact{authz.Pass, Read, "It asks about tools and nothing else; the demo has nothing else."},
			Requests:          Read,
			Sources:           []string{"github.com/cerbos/cerbos-mcp-authorization-demo, index.js"},
			NotSent:           "The arguments, and of the principal all but its id and roles.",
			NotKnown:          "The id of the resource is that of the session, or a random one: conditions on it are no answer.",
			Otherwise:         "A tool that is registered after the check is open to everybody.",
		},
	}
}

// toolAsResource has one kind of resource for all tools and one action for
// all calls. The arguments are not sent, and the list is filtered by the call.
func toolAsResource(server string, with With) *Profile {
	kind, action := with.kind("mcp_tool"), literal("execute")
	if with.Action != "" {
		action, _ = parse(with.Action)
	}
	notSaid := Fact{Text: "This is a way to ask that several servers have, not one of them."}
	return &Profile{
		Name: authz.ToolAsResource, server: server, admitted: validation,
		operations: map[string]operation{
			"tools/list": {filter: authz.FilterCall},
			"tools/call": {requests: []template{{
				kind: kind, id: mustParse("{name}"), action: action, attr: compileMap(map[string]any{"tool_id": "{name}"}),
			}}},
		},
		facts: Facts{
			NoPolicy: notSaid, PDPError: notSaid, PDPDown: notSaid, UnknownOperations: notSaid,
			Requests: Read, Sources: []string{"policies and servers in public repositories"},
			NotSent: "The arguments.",
		},
	}
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
