// Package cel takes the expressions of policies apart. What of one is known before a call
// is made, and what is left of it when that is put in ([Openness], [Parts]); what it reads,
// and what has to hold for it to be read at all ([AddReads], [Reads]); what it compares with
// what ([Dissect]); and what it costs and makes ([Scope], [Growth]).
//
// It works on the text of expressions and on Cerbos's messages, and never evaluates: that
// is the engine's to do, which is not linked here. What it cannot tell is open, read or
// opaque, whichever claims least.
//
// # What is left of an expression
//
// The parts of an expression that depend on nothing unknown are evaluated by the engine,
// and what came of them is put into holes. A value that stands where the type checker
// takes none of its type is put in dyn(), so that what is printed compiles. That needs the
// types of the rest, which kinds.go and typing.go find out, in Cerbos's environment as far
// as types go (env.go).
//
// Variables are put in the place of their names while the result stays small: those that
// name each other twice, forty in a row, stand for more than any tree can hold.
package cel

import "github.com/google/cel-go/common/ast"

// fact makes expressions.
var fact = ast.NewExprFactory()
