package report

import "github.com/mcpolicy/mcpolicy/source"

// visible returns s as it can be shown.
func visible(s string) string { return source.Printable(s) }
