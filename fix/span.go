package fix

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/mcpolicy/mcpolicy/source"
)

// offset returns where a node starts, or -1 if the file has no such place.
func (f *file) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(f.lines) {
		return -1
	}
	at := f.lines[n.Line-1]
	if n.Line == 1 && bytes.HasPrefix(f.data, []byte(source.BOM)) {
		at = len(source.BOM)
	}
	for range n.Column - 1 { // columns of YAML count characters
		_, size := utf8.DecodeRune(f.data[at:])
		if size == 0 {
			return -1
		}
		at += size
	}
	return at
}

// column returns the column of a node in bytes.
func (f *file) column(n *yaml.Node) int {
	at := f.offset(n)
	if at < 0 {
		return 0
	}
	return at - f.lines[n.Line-1] + 1
}

// span returns the bytes of a scalar with its quotes. One of several lines, or
// with a tag, has none.
func (f *file) span(n *yaml.Node) (start, end int, ok bool) {
	start = f.offset(n)
	if start < 0 {
		return 0, 0, false
	}
	line, _, _ := bytes.Cut(f.data[start:], []byte("\n"))
	size := 0
	switch n.Style {
	case 0:
		if bytes.HasPrefix(line, []byte(n.Value)) {
			size = len(n.Value)
		}
	case yaml.SingleQuotedStyle:
		size = len(singleQuoted.Find(line))
	case yaml.DoubleQuotedStyle:
		size = len(doubleQuoted.Find(line))
	default: // tagged, literal and folded ones
	}
	return start, start + size, size > 0
}

var (
	singleQuoted = regexp.MustCompile(`^'(?:[^']|'')*'`)
	doubleQuoted = regexp.MustCompile(`^"(?:[^"\\]|\\.)*"`)
)

// quoted returns a text as a scalar in the quotes that stood there, or in
// double quotes if there were none.
func quoted(text string, style yaml.Style) string {
	if style == yaml.SingleQuotedStyle {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	var b bytes.Buffer // what JSON writes, YAML reads
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return text // never: it is a string
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// reserved are texts that some readers of YAML take for a truth value, a number
// or a time.
var reserved = regexp.MustCompile(`(?i)^(?:yes|no|on|off|[-+.]?[0-9][0-9a-fxo_:.+-]*)$`)

// ambiguous reports whether some readers of YAML do not take the text, without
// quotes, for a string.
func ambiguous(text string) bool { return reserved.MatchString(text) || strings.Contains(text, "\t") }
