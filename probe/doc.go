// Package probe compares what a running server does with the matrix: as each
// principal whose token is there, as a client without a token, and as one with
// a wrong token. It lists, and if it is told to, it calls, gets and reads.
//
// # Calls that run nothing
//
// An enforcement point is asked before a server looks at the arguments. A call
// whose arguments are decided like others, and which the inputSchema forbids,
// is therefore refused by the one or by the other, and the answer tells by
// which. The engine confirms how such arguments are decided. Where the
// inputSchema forbids nothing, only calls that must be refused are made, and
// none of a destructive tool unless it is named.
//
// # What proves what
//
// Only an answer that the enforcement point's profile knows for a refusal is
// one, and only a known complaint about arguments shows that a call was let
// through. Everything else is inconclusive, and reported. A server that admits
// nothing of what the matrix allows is broken, or what it asks is: then nothing
// can be said, and Run returns an error.
package probe
