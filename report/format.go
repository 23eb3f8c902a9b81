package report

import (
	"fmt"
	"io"

	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Format is one way to write a document.
type Format struct {
	Name    string
	Summary string // what it is for, in one line
	Checks  bool   // it is for findings and cases: a matrix has no place in it
	Details bool   // it shows what Document.Details has
	Covers  bool   // it is for coverage alone, so that a document without has no place in it
	Write   func(w io.Writer, d *Document, o Options) error
}

// Formats lists the formats.
func Formats() []Format {
	return []Format{
		{"text", "for people at a terminal", false, false, false, writeText},
		{"json", "for programs; versioned and stable", false, false, false, writeJSON},
		{"lines", "JSON Lines: a cell, finding or case a line", false, false, false, writeLines},
		{"junit", "JUnit XML, for the test pages of a CI system", true, false, false, writeJUnit},
		{"markdown", "for comments and job summaries", false, false, false, writeMarkdown},
		{"sarif", "SARIF 2.1.0, for code scanning and editors", true, false, false, writeSARIF},
		{"github", "annotations of GitHub Actions, on standard output", true, false, false, writeGitHub},
		{"csv", "a table for spreadsheets: cells, findings or changes", false, false, false, writeCSV},
		{"codequality", "GitLab's Code Quality report", true, false, false, writeCodeQuality},
		{"lcov", "coverage by suites as an LCOV tracefile, for Codecov and genhtml", true, false, true, writeLCOV},
		{"cobertura", "coverage by suites as Cobertura XML, for GitLab", true, false, true, writeCobertura},
		{"html", "one page to look into, for people", false, true, false, writeHTML},
	}
}

// A Writer is one way to write what is no document: an explanation, answers.
type Writer[T any] struct {
	Name  string
	Write func(io.Writer, T, Options) error
}

// ExplainFormats lists the ways to write an explanation.
func ExplainFormats() []Writer[*explain.Explanation] {
	return []Writer[*explain.Explanation]{{"text", ExplainText}, {"json", ExplainJSON}, {"markdown", ExplainMarkdown}}
}

// WhoCanFormats lists the ways to write who may do things.
func WhoCanFormats() []Writer[[]explain.Answer] {
	return []Writer[[]explain.Answer]{{"text", WhoCanText}, {"json", WhoCanJSON}, {"markdown", WhoCanMarkdown}}
}

// Write writes a document in the format of that name.
func Write(format string, w io.Writer, d *Document, o Options) error {
	var names []string
	for _, f := range Formats() {
		if f.Name == format {
			return f.Write(w, d, o)
		}
		names = append(names, f.Name)
	}
	return fmt.Errorf("unknown format %q%s", format, source.DidYouMean(format, names))
}
