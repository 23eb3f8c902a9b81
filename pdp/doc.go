// Package pdp is what may be asked of an engine that decides, and the words for it. The
// interfaces stand in contract.go: a [Decider] is enough for a matrix, and the others are
// for those who want to know more. The rest of the package is what they speak of:
// conditions and what they come to, what rules read, why something was decided.
//
// It links no engine. Package embedded is the real Cerbos engine, over policies at hand;
// package remote is the client of a running PDP. What a rule looks like and where it stands
// is package policy's business; which requests to make is package pep's.
package pdp
