package accesslock

import _ "embed"

//go:embed schema.json
var schemaText string

// Schema returns the JSON Schema of a lock, for editors. A test holds it to what [Parse]
// takes.
func Schema() []byte { return []byte(schemaText) }
