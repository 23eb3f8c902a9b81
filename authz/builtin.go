package authz

// The names of the built-in enforcement points.
const (
	CerbosFastMCP  = "cerbos-fastmcp"
	SynapseClaude  = "synapse-claude"
	ToolAsAction   = "tool-as-action"
	ToolAsResource = "tool-as-resource"
	COAZ           = "coaz" // the OpenID AuthZEN binding for MCP, draft 1
	VoltAgent      = "voltagent"
)

// BuiltIn lists the names of the built-in enforcement points, sorted.
func BuiltIn() []string {
	return []string{CerbosFastMCP, COAZ, SynapseClaude, ToolAsAction, ToolAsResource, VoltAgent}
}
