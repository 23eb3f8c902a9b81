// Package pdp decides. [Open] compiles a Cerbos policy directory with the real
// engine, linked in, and answers requests in batches on all cores. What another
// engine would have to offer is in contract.go; a running PDP is package
// pdp/remote's business.
//
// It is the only package that imports the engine's modules, and lets none of their
// types out. What a rule looks like and where it stands is package policy's
// business; which requests to make is package pep's.
//
// # Requests with unknown arguments
//
// What a call may carry is not known beforehand, so the engine is asked about
// all arguments at once. From the compiled rule table three are derived:
//
//   - the decision table is the policies as they are, with an output added to
//     each rule, so that a reply names the rules that took part;
//   - the structure table has each expression of a condition replaced by a
//     boolean attribute of its own. Asked with none of them given, the engine
//     says which expressions it wanted to know; asked again with each value of
//     those, it says what every combination comes to;
//   - the value table evaluates the parts of an expression that do not depend
//     on the arguments, so that what is left can be printed.
//
// So the engine combines rules, roles, scopes and derived roles; this package
// only writes down, as CEL, for which values of the expressions it allowed.
// Cerbos's query planner is not used for this: it takes whatever is unknown to
// be present, and has(arguments.x) to be true, where a check of a call without
// x decides otherwise.
package pdp
