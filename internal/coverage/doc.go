// Package coverage says which rule is about which item: what the enforcement
// points ask about each column of a matrix, where the policies are chosen for it,
// which rules have an action that matches, and which roles those are for.
//
// It reads syntax and asks no engine. Whether a rule that is about a request
// takes part in deciding it is for the matrix to say, and what its condition
// comes to for package reason.
package coverage
