package pep

import (
	"regexp"

	"github.com/mcpolicy/mcpolicy/authz"
)

// synapseClaude is the route extension system://claude of Cerbos Synapse, which answers the
// hooks of Claude Code, as the documentation of both has it. Claude Code lists tools by
// itself and asks before it uses one, by the name that it gives the tool.
func synapseClaude(server string, with With) *Profile {
	event := with.kind("PreToolUse")
	tool := "mcp__" + claudeName.ReplaceAllLiteralString(server, "_") + "__{name}"
	return &Profile{
		Name: authz.SynapseClaude, server: server, admitted: validation,
		operations: map[string]operation{
			"tools/call": {requests: []template{{
				kind: event, id: mustParse(tool), action: mustParse(tool),
				attr: map[string]any{"hook_event_name": event, "tool_name": mustParse(tool), "tool_input": mustParse("{arguments}")},
			}}},
		},
		facts: Facts{
			NoPolicy: Fact{authz.Pass, Read, "Synapse lets a tool run that no policy is about, where Cerbos denies."},
			PDPError: Fact{authz.NotKnown, NoGround, "What Synapse answers then is not documented."},
			PDPDown: Fact{authz.Pass, Read, "Claude Code goes on if Synapse does not answer, or not with what the hook expects, " +
				"unless the hook has onFailure: block (from 2.1.295 on)."},
			UnknownOperations: Fact{authz.NotKnown, NoGround, "Claude Code reads resources through tools of its own, which its hooks see by their own names."},
			Requests:          Read,
			Sources: []string{
				"docs.cerbos.dev/synapse, Securing Claude Code with Synapse",
				"github.com/cerbos/skills, system-extensions.md",
				"Claude Code, Hooks reference",
			},
			NotSent:   "The principal has an id and roles, of the headers X-Claude-User and X-Claude-User-Roles, and no attributes.",
			MoreSent:  true,
			NotKnown:  "The id of the resource, and what the payload of the hook has besides (session_id, transcript_path, cwd, permission_mode): conditions on them are no answer.",
			Otherwise: "What a policy puts out goes into the answer as it is; if that is no answer to the hook, the tool runs in spite of a denial.",
		},
	}
}

// claudeName matches what Claude Code replaces in the name of a server.
var claudeName = regexp.MustCompile(`[^0-9A-Za-z_-]`)
