package source

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// logCommand is what CI systems obey wherever it stands in a line of a log:
// GitHub's old commands, Azure's and TeamCity's.
var logCommand = regexp.MustCompile(`#(#\w*\[)`)

// WithoutCommands spells out what commands a CI system in the middle of a line.
// The escape is one of JSON too, so that a JSON text keeps what it says.
func WithoutCommands(s string) string { return logCommand.ReplaceAllString(s, `\u0023$1`) }

// Inert returns s as one line of a log that shows what it says and does nothing:
// [Printable], without commands in the middle or at the beginning.
func Inert(s string) string {
	s = WithoutCommands(Printable(s))
	if text := strings.TrimLeft(s, " "); strings.HasPrefix(text, "::") { // GitHub Actions looks behind spaces too
		s = s[:len(s)-len(text)] + `\u003a` + text[1:]
	}
	return s
}

// InertJSON returns a JSON text that says the same and in which nothing hides:
// what [Inert] spells out of a string is written with the escapes of JSON.
func InertJSON(text []byte) []byte {
	if bytes.Contains(text, []byte("##")) { // which stands in strings alone
		text = []byte(WithoutCommands(string(text)))
	}
	if Plain(string(text)) {
		return text
	}
	out := make([]byte, 0, len(text)+16)
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r != '\n' && Hidden(r) { // strings have no line breaks, layout has
			out = appendEscape(out, r)
		} else {
			out = append(out, text[:n]...)
		}
		text = text[n:]
	}
	return out
}

func appendEscape(out []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		return fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
	}
	return fmt.Appendf(out, `\u%04x`, r)
}
