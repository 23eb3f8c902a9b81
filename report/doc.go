// Package report writes a [Document], what a run found out, in the formats
// that people and machines read. [Formats] lists them, one file each; all are
// written to the end or return the error of the writer.
//
// Reports judge nothing: which findings there are, how a case ended and what a
// cell says come from lint, testrunner and matrix. What is decided here is
// what to show first and what to fold away.
//
// # Hostile text
//
// Names, descriptions and messages may come from strangers. In every format
// characters that cannot be seen, or that would act on a terminal (control
// characters, escapes, bidirectional overrides, zero-width characters), are
// spelled out as \u escapes, and the syntax of the medium is escaped. Text also
// goes to the logs of CI systems, so no line of it is a command to one.
//
// # Size
//
// The matrix is read class by class and never expanded in memory: JSON writes
// one cell a principal as it goes, text and Markdown show principals whose
// cells look the same as one column.
package report

// The schemas of JSON reports are made from the types that are written.
//go:generate go test -run ^TestSchemaFiles$ . -update
