// Package tables compiles policies to a rule table with Cerbos's compiler, and derives from
// it the tables that the embedded engine evaluates. It evaluates none itself.
//
// # The three tables
//
// What a call may carry is not known beforehand, so the engine is asked about all arguments
// at once. From the compiled rule table three are derived:
//
//   - the decision table is the policies as they are, with an output added to
//     each rule, so that a reply names the rules that took part;
//   - the structure table has each expression of a condition, a leaf, replaced by a
//     boolean attribute of its own. Asked with none of them given, the engine
//     says which expressions it wanted to know; asked again with each value of
//     those, it says what every combination comes to;
//   - the value table evaluates the parts of an expression that do not depend
//     on the arguments, so that what is left can be printed.
//
// The engine writes to the tables that it loads, so that what several share is copied.
//
// What Cerbos 0.55 takes for one behaviour and is several stands in confusion.go.
package tables
