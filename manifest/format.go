package manifest

// A Format is the shape that an inventory was read from.
type Format uint8

// The formats. An inventory without any items may be of UnknownFormat.
const (
	UnknownFormat Format = iota

	ListResult    // the result of */list, one or several of them in one object
	Transcript    // JSON-RPC messages: a batch, a recording, an event stream
	ToolArray     // a bare array, as are the next three
	PromptArray   // of prompts
	ResourceArray // of resources
	TemplateArray // of resource templates
	SingleTool    // one tool, as in a snapshot test
	NameList      // names and nothing else

	FastMCPFlat       // fastmcp inspect, 2.9 to 2.11
	FastMCPInspect    // fastmcp inspect --format fastmcp
	FastMCPInspectMCP // fastmcp inspect --format mcp

	MCPB           // a desktop extension's manifest.json
	DockerTools    // tools.json of Docker's MCP registry
	DockerCatalog  // catalog.yaml of Docker's MCP gateway
	AgentScan      // a signature by agent-scan or mcp-scan
	AzureTools     // consolidated-tools.json of Azure's MCP server
	MultiServer    // tools keyed by server
	ServerCard     // .well-known/mcp/server-card.json, where it lists tools
	OpenAITools    // tools as they are sent to OpenAI's models
	AnthropicTools // and to Anthropic's
	OpenAIListed   // an mcp_list_tools item: what OpenAI found on a server
	Toolbox        // tools.yaml of MCP Toolbox for Databases
)

var formats = [...]string{
	UnknownFormat:     "unknown format",
	ListResult:        "MCP list result",
	Transcript:        "MCP transcript",
	ToolArray:         "array of MCP tools",
	PromptArray:       "array of MCP prompts",
	ResourceArray:     "array of MCP resources",
	TemplateArray:     "array of MCP resource templates",
	SingleTool:        "single MCP tool",
	NameList:          "list of names",
	FastMCPFlat:       "fastmcp inspect (2.9 to 2.11)",
	FastMCPInspect:    "fastmcp inspect --format fastmcp",
	FastMCPInspectMCP: "fastmcp inspect --format mcp",
	MCPB:              "MCPB manifest",
	DockerTools:       "Docker tools.json",
	DockerCatalog:     "Docker MCP catalog",
	AgentScan:         "agent-scan signature",
	AzureTools:        "Azure MCP consolidated tools",
	MultiServer:       "multi-server inventory",
	ServerCard:        "MCP server card",
	OpenAITools:       "OpenAI tools",
	AnthropicTools:    "Anthropic tools",
	OpenAIListed:      "OpenAI mcp_list_tools",
	Toolbox:           "MCP Toolbox tools.yaml",
}

// HasHints reports whether the format has a place for the behaviour hints of
// tools.
func (f Format) HasHints() bool {
	switch f {
	case NameList, MCPB, DockerCatalog, OpenAITools, AnthropicTools, Toolbox:
		return false
	default:
		return true
	}
}

// String returns the format in the words of a report.
func (f Format) String() string { return formats[f] }
