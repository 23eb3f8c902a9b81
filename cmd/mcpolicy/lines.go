package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	"github.com/mcpolicy/mcpolicy/source"
)

// lines is where everything goes that is no report: all of standard error, and
// the text that some commands write to standard output. One Write is one line,
// whatever is in it: it commands neither a terminal nor a CI system, and is cut
// where it is too long to read.
type lines struct{ w io.Writer }

// Write writes a line. A line break at its end may be left out.
func (l lines) Write(p []byte) (int, error) {
	line := source.Inert(strings.TrimSuffix(string(p), "\n"))
	if _, err := io.WriteString(l.w, shorten(line)+"\n"); err != nil {
		return 0, err
	}
	return len(p), nil
}

// How much of a line is kept that is too long: where it begins there is the
// place, and where it ends there is the advice.
const (
	lineHead = 1000
	lineTail = 500
)

// shorten cuts a long line in its middle, and says how much is left out.
func shorten(line string) string {
	total := utf8.RuneCountInString(line)
	if total <= lineHead+lineTail {
		return line
	}
	runes := []rune(line)
	left := total - lineHead - lineTail
	return fmt.Sprintf("%s [%d characters are left out here] %s", string(runes[:lineHead]), left, string(runes[total-lineTail:]))
}

// writeLines writes a text line by line.
func writeLines(w io.Writer, text string) error {
	out := lines{w}
	for line := range strings.Lines(text) {
		if _, err := io.WriteString(out, strings.TrimRight(line, "\r\n")); err != nil {
			return err
		}
	}
	return nil
}

// terminal returns the terminal that a writer leads to, or nil.
func terminal(w io.Writer) *os.File {
	if l, ok := w.(lines); ok {
		w = l.w
	}
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		return f
	}
	return nil
}
