package report

import "github.com/mcpolicy/mcpolicy/source"

// visible returns s as it can be shown.
func visible(s string) string { return source.Printable(s) }

// inert returns visible text that commands no CI system in the middle of a
// line.
func inert(s string) string { return source.WithoutCommands(s) }
