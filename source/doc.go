// Package source reads the text files that everything else starts from: JSON,
// NDJSON and YAML become one tree of nodes that know where they stand, and
// [Decode] fills a struct from a node strictly, reporting every mistake with
// its position.
//
// Input is taken to be hostile. Size, nesting, alias expansion and encoding
// are checked here, once, so that no other package has to. What a node means
// is left to the packages that ask for it.
package source
