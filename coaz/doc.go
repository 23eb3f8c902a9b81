// Package coaz knows the OpenID AuthZEN binding for MCP, COAZ-MCP, in its first draft,
// and how Cerbos understands AuthZEN. A [Point] turns a request of an MCP client into
// the access evaluations that an enforcement point sends, or says that it refuses or
// passes the request without asking; [Translate] makes of an evaluation the request that
// Cerbos's engine gets.
//
// The mapping that a tool declares in its inputSchema ([Parse]) is text of strangers. Its
// expressions are CEL over the parameters of the request and the claims of the token, whose
// numbers are doubles. They are bounded in size, nesting and cost; what is beyond
// that is unknown, as is everything that the draft leaves to the implementation.
//
// Nothing is decided here.
package coaz
