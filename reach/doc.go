// Package reach finds running servers: which of those that a config or a client's
// configuration describes are meant, how to reach them, what of the environment may be
// sent to them, and what several principals who look at one come to together.
//
// Files that say where a server is may be a stranger's, so nothing secret goes anywhere
// on their word alone where [Leave] is asked for. Nothing is started or contacted until
// [View.Read] is called. The environment is what the caller says it is.
package reach
