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

// How much is kept of a line that is too long: where it begins there is the place,
// and where it ends there is the advice. And how much of a word.
const (
	lineHead, lineTail = 1000, 500
	wordHead, wordTail = 200, 100
)

// shorten cuts long words, and then a long line, in the middle.
func shorten(line string) string {
	if len(line) <= wordHead+wordTail {
		return line
	}
	words := strings.Split(line, " ")
	for i, word := range words {
		words[i] = cutMiddle(word, wordHead, wordTail)
	}
	return cutMiddle(strings.Join(words, " "), lineHead, lineTail)
}

// cutMiddle keeps the beginning and the end of a text, and says how much is left
// out between them.
func cutMiddle(s string, head, tail int) string {
	total := utf8.RuneCountInString(s)
	if total <= head+tail {
		return s
	}
	runes := []rune(s)
	return fmt.Sprintf("%s [%d characters are left out] %s", string(runes[:head]), total-head-tail, string(runes[total-tail:]))
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
