// Package solver decides what conditions can come to: whether any request meets one, and
// whether what meets one meets another.
//
// It never says what an expression comes to; an [Evaluator], the engine, does. What it
// knows is which values are enough to ask about. A condition is taken apart into leaves
// (skeleton.go); each leaf notes what it needs of the places that it reads (kinds.go and
// the files named after kinds); each place gets a finite domain which is sufficient for
// what was noted (domain.go); the engine evaluates each leaf for all values of its own
// places (table.go); and a SAT solver combines them (encode.go). A model is a request, and
// counts once the engine has confirmed it. That there is none counts where each leaf that
// it rests on is of a kind for which the domain is known to be enough: docs/solver.md has
// the argument for each kind. All else is unknown.
package solver
