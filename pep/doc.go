// Package pep models enforcement points: what sits in front of an MCP server
// and asks the policy engine before something is listed or used. A [Profile]
// turns an operation on an item into the requests that the enforcement point
// would send, or says that it sends none, so that no policy has a say.
//
// Profiles never decide anything.
package pep
