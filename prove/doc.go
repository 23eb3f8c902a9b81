// Package prove says whether a sentence holds for everybody who could exist: for
// every combination of roles, any attributes and any arguments of a call, not
// only for the principals that are declared.
//
// The engine says for a set of roles on which condition it allows a request that
// leaves everything else open, and the solver whether such conditions can be met.
// What is refuted comes with a principal and a call, which the engine has decided.
// What the solver cannot tell is unknown, never proved.
package prove
