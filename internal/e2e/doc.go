// Package e2e holds what mcpolicy says of the fixtures against the real thing:
// their FastMCP servers, run by Python behind a real PDP on the loopback
// interface, and asked over HTTP with a token for each principal.
//
// testdata/harbour is an enforcement point of COAZ-MCP, the OpenID AuthZEN
// binding for MCP, before a server of its own. It is written from the text of
// the draft, and shares neither code nor a CEL library with mcpolicy, so that the
// two check each other. What holds it to package coaz has the tag coaz too, until
// that package is there.
//
// Everything but this file has the build tag e2e, so that go test ./... needs
// no Python; make e2e runs it. There are four environments, each pinned by a
// requirements file with hashes and kept in the user's cache:
//
//   - fastmcp3: the main one, with cerbos-fastmcp
//   - fastmcp2: 2.14, where a call as a task goes past cerbos-fastmcp
//   - fastmcp4: where cerbos-fastmcp cannot be imported, with a middleware of
//     the fixture's own
//   - coaz: the SDK for Python and the CEL runtime in C++
//
// A machine without Python, its venv module, a package index or the PDP's
// binary fails these tests, which say what is missing.
package e2e
