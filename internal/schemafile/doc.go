// Package schemafile makes JSON Schemas from Go types: which keys there are and of which kind
// follows from the types, what a key means from their comments. What a type leaves to its
// decoder, such as a pattern or keys that exclude each other, is written down as rules, which
// are laid over that.
//
// It is for the tests that write and hold the files in docs/schema.
package schemafile
