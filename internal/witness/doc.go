// Package witness finds requests that show what a condition can come to:
// principals and arguments made of the constants in the conditions, of what a
// tool's inputSchema says, of the declared principals, of a fresh value for
// each type, and of absence. The engine decides about each; this package only
// proposes them, and knows when its proposals leave nothing out.
//
// # When nothing is left out
//
// A condition is combined of parts, and what it comes to follows from what
// each part comes to: true, false, or an error. Where every part relates
// slots of the request and constants in a way that the package knows, it
// makes values for each slot so that the parts about it come to everything
// that they can come to together, and tries all combinations of independent
// slots. That none of them meets a condition then means that no request does.
// [Candidates] says so in All, and is silent whenever a part, or an
// inputSchema, says more than the package understands.
package witness
