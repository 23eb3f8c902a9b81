// Package principals reads who may ask: Cerbos fixture files as they are, CSV
// with a header, and JSON Lines.
//
// # Fixture files
//
// A Cerbos principals.yaml or principals.json, unchanged: principals by key,
// and principalGroups. Three keys may be added to a principal, which Cerbos
// itself does not know: kind (human, workload or agent), onBehalfOf (the key
// of the principal that an agent acts for) and auxData, with jwt or jwts (the
// claims of its token, or of several).
//
// YAML is what Cerbos's parser makes of it, which is not always what others
// make of it. A Cerbos test suite is a fixture file too, if it has principals of
// its own; the rest of it is not looked at.
//
// # CSV
//
// The first line names the columns: id, key, roles, kind, onBehalfOf, scope,
// policyVersion, groups, and attr.NAME for each attribute, in any order. Only
// id and roles are needed; without a key the id is the key. Several roles or
// groups in a cell are separated by ";" or "|", or make up a JSON list. A name
// that looks like several with something else between them is a mistake: one
// with a comma in it, or two others of the column with a space between them. The
// separator of the columns, comma, semicolon or tab, is read off the first line.
//
// The cells of attr.NAME are strings, whatever they look like, so that an
// identifier like 007 stays one. A type can be added to the name:
// attr.NAME:number, attr.NAME:bool, attr.NAME:json, and attr.NAME:string for a
// name that has a colon of its own. An empty cell is an attribute that the
// principal does not have. Values inside of values come from a column of type
// json.
//
// # JSON Lines
//
// One principal a line, with the keys of the fixture file, and also id, key
// and groups (a list of names).
//
// # Size
//
// [Stream] reads CSV and JSON Lines of any length in bounded memory; [Parse]
// keeps everything. Principals that look the same share their roles and
// attributes, so both must be treated as read-only.
//
// What the roles and attributes mean is left to the policies.
package principals

// The schema for editors is made from the types of how a fixture file is written, and from
// what schema_rules.json says that they do not.
//go:generate go test -run ^TestSchemaFile$ . -update
