// Package schema holds the JSON Schemas of the files that mcpolicy reads, for editors, and of
// what it writes for programs. They are made from the types that read and write these; tests
// hold them to what is taken and written.
package schema

import "embed"

//go:embed *.json
var files embed.FS

// Text returns the schema in a file of this folder, such as config.json, or nil.
func Text(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		return nil
	}
	return data
}
