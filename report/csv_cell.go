package report

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// formulaStarts are what a spreadsheet takes a cell for a formula by, the wide ones of
// East Asian input among them.
const formulaStarts = "=+-@\t\r＝＋－＠"

// Defused returns a text as a cell that no spreadsheet takes for a formula: an apostrophe
// stands before what could begin one, at the start of the cell and behind each semicolon,
// where a spreadsheet set to semicolons would begin another cell. One stands before an
// apostrophe there as well, so that [Fused] returns the text.
func Defused(text string) string {
	if !strings.ContainsAny(text, formulaStarts+"'") {
		return text
	}
	var b strings.Builder
	for i, part := range strings.Split(text, ";") {
		if i > 0 {
			b.WriteByte(';')
		}
		if begins := strings.TrimLeft(part, " "); begins != "" && strings.ContainsAny(first(begins), formulaStarts+"'") {
			part = part[:len(part)-len(begins)] + "'" + begins
		}
		b.WriteString(part)
	}
	return b.String()
}

// Fused returns the text that was [Defused].
func Fused(cell string) string {
	parts := strings.Split(cell, ";")
	for i, part := range parts {
		begins := strings.TrimLeft(part, " ")
		parts[i] = part[:len(part)-len(begins)] + strings.TrimPrefix(begins, "'")
	}
	return strings.Join(parts, ";")
}

// first returns the first character of a text that has one.
func first(text string) string {
	for i := range text {
		if i > 0 {
			return text[:i]
		}
	}
	return text
}

// csvCell returns a text as a cell that does nothing, wherever it is shown.
func csvCell(text string) string { return Defused(source.Inert(text)) }

// csvList returns texts as one cell, semicolons between them.
func csvList(list []string) string {
	safe := make([]string, len(list))
	for i, text := range list {
		safe[i] = source.Inert(text)
	}
	return Defused(strings.Join(safe, "; "))
}
