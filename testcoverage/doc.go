// Package testcoverage says what of the policies suites cover: which rules, which outcome
// of each condition and, by MC/DC, each part of it, which derived roles, and which sides of
// the cells of the matrix.
//
// Only what a case asserts counts: it passed. A rule is covered if it activated with the
// effect that was asserted. Outcomes and parts are not counted by what was evaluated but by
// what cases rest on: the engine decides the cases again by policies in which the condition,
// or the part, is held the other way, and one of them has to fail. So an evaluation that
// something else masks covers nothing.
//
// What no call of a declared principal rests on is [Impossible] and leaves the denominator.
// That is shown for all arguments; what is not known stays in, and is said to be unknown.
//
// docs/coverage.md says word for word what counts. It is the metric of number [Metric].
package testcoverage
