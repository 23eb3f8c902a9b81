// Package policy reads a Cerbos policy directory as syntax: what each rule
// says, the name by which Cerbos will report it, and where it stands.
//
// It chooses files, numbers rules and matches patterns as Cerbos v0.55 does;
// its tests hold it against the engine. It decides nothing, does not look into
// CEL (of comments it reads those that are waivers), and leaves to the engine everything that only compiling can tell:
// unknown keys, missing imports, scopes without a parent, expressions that do
// not type-check. What it cannot read it reports, all of it, with positions.
package policy
