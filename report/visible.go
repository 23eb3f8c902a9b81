package report

import (
	"regexp"

	"github.com/mcpolicy/mcpolicy/source"
)

// visible returns s as it can be shown.
func visible(s string) string { return source.Printable(s) }

// logCommand is what CI systems obey wherever it stands in a line of a log:
// GitHub's old commands, Azure's and TeamCity's.
var logCommand = regexp.MustCompile(`#(#\w*\[)`)

// inert returns visible text that commands no CI system in the middle of a
// line.
func inert(s string) string { return logCommand.ReplaceAllString(s, `\u0023$1`) }
