// Package live talks to running MCP servers as a client: over stdio, where it
// starts the server and ends it, over streamable HTTP and over SSE. It reads
// whole lists, calls tools, gets prompts and reads resources, and hands on
// what the server said as it came, in small types of its own.
//
// Servers are strangers. Every answer has limits in size and time, redirects
// to another origin are refused, and secrets that were sent (tokens, headers,
// the environment given to a process) are taken out of whatever comes back
// before anyone sees it, errors included.
//
// It is the one package besides the command that contacts a network or starts
// a process, and only for a caller who names the server. What an answer means
// is left to the packages that read it.
package live
