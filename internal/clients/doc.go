// Package clients reads the configurations of MCP clients (.mcp.json,
// .vscode/mcp.json, Claude Desktop's, Cursor's and others of that shape), which
// say how to start or reach servers.
//
// They come from strangers and hold secrets: every mistake has its position,
// and no message repeats a value. Nothing is started or contacted here; that,
// and asking whether to, is left to the caller.
package clients
