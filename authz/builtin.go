package authz

// The names of the built-in enforcement points.
const (
	CerbosFastMCP  = "cerbos-fastmcp"
	ToolAsAction   = "tool-as-action"
	ToolAsResource = "tool-as-resource"
)

// BuiltIn lists the names of the built-in enforcement points, sorted.
func BuiltIn() []string { return []string{CerbosFastMCP, ToolAsAction, ToolAsResource} }
