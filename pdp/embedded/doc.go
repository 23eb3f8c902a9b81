// Package embedded is the real Cerbos engine, linked in. [Open] compiles a policy directory,
// and the [Engine] answers requests in batches on all cores. It offers all that package pdp
// says an engine may offer, and lets none of Cerbos's types out.
//
// Requests that leave something open are decided by three tables, which package tables
// derives. The engine combines rules, roles, scopes and derived roles; this package only
// writes down, as CEL, for which values of the expressions it allowed. Cerbos's query
// planner is not used for this: it takes whatever is unknown to be present, and
// has(arguments.x) to be true, where a check of a call without x decides otherwise.
//
// A request goes this way: Decide and Each (each.go) ask the structure table first, once for
// all principals with the same roles (cohort.go, structure.go). Where a condition has a say,
// what is closed goes to the decision table (engine.go), and what is open to a solver for
// what is unknown (solver.go), which tries the values of the leaves (explore.go) and writes
// down what allowed (condition.go). Tables are loaded as far as requests reach (narrow.go).
// Everything else asks a table made for the purpose.
package embedded
