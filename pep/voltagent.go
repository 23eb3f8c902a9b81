package pep

import "github.com/mcpolicy/mcpolicy/authz"

// voltAgent is VoltAgent's authorization of MCP tools with Cerbos, as its documentation has
// it: one request for each tool, the same before it is called and, if tools are filtered
// when they are discovered, before it is shown.
func voltAgent(server string, with With) *Profile {
	list := operation{}
	if with.FilterOnDiscovery {
		list.filter = authz.FilterCall
	}
	return &Profile{
		Name: authz.VoltAgent, server: server, admitted: validation,
		operations: map[string]operation{
			"tools/list": list,
			"tools/call": {requests: []template{{kind: with.kind("mcp::" + server), id: literal(server), action: mustParse("{name}")}}},
		},
		facts: Facts{
			NoPolicy:          Fact{authz.Refuse, Read, "It does what Cerbos says, which is a denial."},
			PDPError:          Fact{authz.Refuse, Read, "The check throws, and with it the call."},
			PDPDown:           Fact{authz.Refuse, Read, "The check throws, and with it the call."},
			UnknownOperations: Fact{authz.Pass, Read, "Only tools are checked: resources and prompts are read without a question."},
			Requests:          Read,
			Sources: []string{
				"github.com/VoltAgent/voltagent, website/docs/agents/mcp/authorization.md",
				"github.com/VoltAgent/voltagent, packages/core/src/mcp/client/index.ts",
			},
			NotSent:   "The arguments, and of the principal all but its id and roles.",
			Otherwise: "The function that asks is the project's own: this is the documented one. checkOnExecution: false would ask nothing before a call.",
		},
	}
}
