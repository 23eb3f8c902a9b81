// Package config reads mcpolicy.yaml: which servers there are, what guards
// them, and where everything else is found.
//
// It knows the shape of the file and what can be wrong within it. It opens no
// other file. Whether a path leads anywhere, a rule exists or a principal is known
// is checked by other packages, and reported at the position that every entry has.
// The same shape is described for editors by docs/schema/config.json.
package config

// The schema for editors is made from the types, and from what schema_rules.json says of
// those that decode themselves.
//go:generate go test -run ^TestSchemaFile$ . -update
