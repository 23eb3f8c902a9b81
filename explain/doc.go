// Package explain answers why: why one principal may or may not do one thing,
// and who may do it at all.
//
// Everything it says about a decision comes from the engine: which rules took
// part, what each part of a condition came to, and that a way out would work.
// Package policy says where the rules stand. How an answer looks is for report
// to say.
package explain
