// Package mutation says what suites say to mutants of the policies: policies with one
// small mistake in them, which package mutate makes.
//
// A mutant is killed if a case that passes now fails by it. If none does, the engines
// are held against each other: where no cell of any declared principal and item differs,
// for whatever arguments, the mutant is equivalent, and counts for nothing; where one
// does, the call that tells them apart is the case that is missing. A mutant that only
// somebody or something undeclared tells apart is outside, and one that only a bare
// request does is said to be so: neither counts, and both are listed.
package mutation
