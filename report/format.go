package report

import (
	"cmp"
	"fmt"
	"io"

	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Format is one way to write a document.
type Format struct {
	Name    string
	Summary string // what it is for, in one line
	Checks  bool   // it is for findings and cases: a matrix has no place in it
	Details bool   // it shows what Document.Details has
	Write   func(w io.Writer, d *Document, o Options) error
}

// Formats lists the formats.
func Formats() []Format {
	return []Format{
		{"text", "for people at a terminal", false, false, writeText},
		{"json", "for programs; versioned and stable", false, false, writeJSON},
		{"lines", "JSON Lines: a cell, finding or case a line", false, false, writeLines},
		{"junit", "JUnit XML, for the test pages of a CI system", true, false, writeJUnit},
		{"markdown", "for comments and job summaries", false, false, writeMarkdown},
		{"sarif", "SARIF 2.1.0, for code scanning and editors", true, false, writeSARIF},
		{"github", "annotations of GitHub Actions, on standard output", true, false, writeGitHub},
		{"csv", "a table for spreadsheets: cells, findings or changes", false, false, writeCSV},
		{"codequality", "GitLab's Code Quality report", true, false, writeCodeQuality},
		{"html", "one page to look into, for people", false, true, writeHTML},
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

func comparePlaces(a, b *lint.Finding) int {
	return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message),
		cmp.Compare(a.Server, b.Server), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Policy, b.Policy))
}
