package scaffold

import (
	"github.com/mcpolicy/mcpolicy/authz"
)

// A manner is how an enforcement point asks, as far as policies have to go by it.
type manner struct {
	// arguments: policies see the arguments of calls, and the attributes of whoever asks.
	arguments bool
	// ids: policies see of whoever asks the id alone, and no role.
	ids bool
	// own: a list asks about each tool, by an action of its own.
	own bool
	// filtered: a list shows a tool to whom policies give it, and is no gate for all.
	filtered bool
	// listed: policies are asked about lists at all.
	listed bool
	// each: prompts and resources are asked about one by one, and not only their lists.
	each bool
	// gates are lists that policies are asked about as a whole, but for that of tools.
	gates bool
	// call is the action of all calls, "" where it is made of the tool's name. Then the name is
	// the resource's id.
	call string
	// kind is what resources are, "" where it is made of the server's name.
	kind string
}

// manners are those of the enforcement points that projects can be made for.
var manners = map[string]manner{
	authz.CerbosFastMCP:  {arguments: true, own: true, filtered: true, listed: true, gates: true, kind: DefaultKind},
	authz.COAZ:           {ids: true, listed: true, each: true, gates: true, call: "tools/call", kind: "tool"},
	authz.ToolAsAction:   {filtered: true, listed: true},
	authz.ToolAsResource: {filtered: true, listed: true, call: "execute", kind: "mcp_tool"},
	authz.VoltAgent:      {},
	Custom:               {arguments: true, own: true, filtered: true, listed: true, each: true, kind: DefaultKind},
}

func (o *Options) manner() manner { return manners[o.Enforcement] }

// callOf is the action of a call.
func (m manner) callOf(name string) string {
	switch {
	case m.call != "":
		return name // in a list of ids
	case m.own:
		return literal("tools/call::" + name)
	}
	return literal(name)
}
