package manifest

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// An other is a kind of file that is no inventory, but that people give in its place.
type other struct {
	is             func(*source.Node) bool
	what, says, do string
}

var others = []other{
	{isAgentGateway, "an agentgateway configuration", "it says who may use tools, not which there are", saveRunning},
	{isCerbosPolicy, "a Cerbos policy", "it says who may use tools, not which there are", "put it into the policies directory"},
	{isOwnConfig, "an mcpolicy configuration", "it names inventories, but holds none", "pass it with --config"},
	{has("principals"), "a principals file", "it says who asks, not what a server offers", "pass it with --principals"},
	{
		isHandshake, "what a server answers to initialize or server/discover", "it says which surfaces there are, not what is on them",
		saveResult,
	},
	{isCallResult, "the result of a tool call", "it is what one tool returned", saveResult},
	{
		isDockerEntry, "a server.yaml of Docker's registry", "it says how to run a server, not what it offers",
		"hand over the tools.json beside it",
	},
	{isAppInfo, "what MCP Inspector prints with --app-info", "it only says which tools have an app", "run it without --app-info"},
	{
		isFastMCPConfig, "a FastMCP project configuration", startsOne,
		"run `fastmcp inspect --format fastmcp` on it and save what that prints",
	},
	{
		func(n *source.Node) bool {
			return n.Get("openapi").Is(source.String) || n.Get("swagger").Is(source.String)
		},
		"an OpenAPI document", "which tools a server makes of it, only the server knows", saveRunning,
	},
	{
		func(n *source.Node) bool { return n.Get("dependencies") != nil || n.Get("scripts") != nil },
		"a package manifest", "it says what a server is built from", saveRunning,
	},
	{
		func(n *source.Node) bool { return schemaNames(n, "json-schema.org") },
		"a JSON Schema", "it describes data, not tools", saveResult,
	},
}

func isKnownOther(n *source.Node) bool {
	return slices.ContainsFunc(others, func(o other) bool { return o.is(n) })
}

func (r *reader) knownOther(n *source.Node) []*Inventory {
	i := slices.IndexFunc(others, func(o other) bool { return o.is(n) })
	r.refuse(notInventory(n.Pos, others[i].what, others[i].says, others[i].do))
	return nil
}

func isAgentGateway(n *source.Node) bool {
	return isList(n, "binds") || isList(n.Get("mcp"), "targets") || isObject(n, "mcpAuthorization")
}

func isCerbosPolicy(n *source.Node) bool {
	return strings.HasPrefix(n.Get("apiVersion").Str(), "api.cerbos.dev/")
}

func isOwnConfig(n *source.Node) bool {
	return anyField(n.Get("servers"), func(s *source.Node) bool { return s.Get("manifest") != nil || s.Get("enforcement") != nil })
}

func isHandshake(n *source.Node) bool {
	return isObject(n, "capabilities") && (isObject(n, "serverInfo") || n.Get("protocolVersion") != nil)
}

func isCallResult(n *source.Node) bool { return isList(n, "content") }

func isDockerEntry(n *source.Node) bool {
	return isObject(n, "about") && (n.Get("image") != nil || n.Get("remote") != nil || n.Get("source") != nil)
}

func isAppInfo(n *source.Node) bool { return n.Get("hasApp") != nil && n.Get("toolName") != nil }

func (r *reader) appInfo(n *source.Node) []*Inventory {
	return r.knownOther(n.Items[slices.IndexFunc(n.Items, isAppInfo)])
}

func isFastMCPConfig(n *source.Node) bool {
	return schemaNames(n, "fastmcp.json") || isObject(n, "source") && (isObject(n, "environment") || isObject(n, "deployment"))
}
