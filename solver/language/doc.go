// Package language has sets of texts, and finds texts that lie in some of them and not
// in others.
//
// A [Language] is what one predicate on a text holds for: a prefix, a pattern, a length.
// [Combinations] walks several at once and finds, for every combination of predicates that
// any text meets, the shortest texts that meet it. Texts are sequences of code points, as
// CEL compares and counts them.
package language
