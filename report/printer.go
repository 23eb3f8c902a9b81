package report

import (
	"bufio"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/mcpolicy/mcpolicy/source"
)

// A printer lays out text for a terminal. Whatever reaches the writer has gone
// through text, so that it does what it looks like.
type printer struct {
	w       *bufio.Writer
	width   int
	prose   int // width of text that is no table
	color   bool
	ascii   bool
	all     bool                     // nothing is folded away
	byRule  bool                     // changes of access are shown by the rules that made them
	short   bool                     // and in one sentence each
	here    func(file string) string // how files are named, or nil
	was     func(file string) string // of the base of a comparison
	sources *texts
	symbols
}

const (
	defaultWidth = 80
	minWidth     = 24  // the narrowest terminal that text is laid out for
	proseWidth   = 100 // longer lines are hard to read
)

func newPrinter(w io.Writer, o Options) *printer {
	p := &printer{
		w: bufio.NewWriter(w), width: o.Width, color: o.Color, ascii: o.ASCII, all: o.All, byRule: o.ByRule, short: o.Summary,
		here: o.Here, was: o.HereBase, symbols: unicodeSymbols,
	}
	if p.width == 0 {
		p.width = defaultWidth
	}
	p.width = max(p.width, minWidth)
	p.prose = min(p.width, proseWidth)
	if o.ASCII {
		p.symbols = asciiSymbols
	}
	return p
}

// text returns s as it can be shown, with its places as the shell's folder has them.
func (p *printer) text(s string) string { return p.inert(p.located(s)) }

// inert returns s as it can be shown.
func (p *printer) inert(s string) string {
	if p.ascii {
		return inert(source.PrintableASCII(s))
	}
	return inert(visible(s))
}

// eastAsian is how wide characters are. It does not look at the locale, so
// that a report is the same everywhere.
var eastAsian = &runewidth.Condition{StrictEmojiNeutral: true}

func widthOf(s string) int {
	if source.Plain(s) {
		return len(s)
	}
	return eastAsian.StringWidth(s)
}

// A line is one line of output under way.
type line struct {
	p     *printer
	b     strings.Builder
	width int
	blank bool // nothing but spaces so far
}

func (p *printer) line() *line { return &line{p: p, blank: true} }

// add appends text. Symbols of the printer's own go through sign.
func (l *line) add(st style, s string) *line { return l.sign(st, l.p.text(s)) }

// sign appends text that has gone through text, or is the printer's own.
func (l *line) sign(st style, s string) *line {
	if text := strings.TrimLeft(s, " "); l.blank && text != "" {
		if strings.HasPrefix(text, "::") { // GitHub Actions would obey the line
			s = s[:len(s)-len(text)] + `\u003a` + text[1:]
		}
		l.blank = false
	}
	l.width += widthOf(s)
	if l.p.color {
		text := strings.TrimRight(s, " ")
		s = paint(st, text) + s[len(text):]
	}
	l.b.WriteString(s)
	return l
}

// to fills the line up with spaces to a column, counting from 0.
func (l *line) to(column int) *line {
	if n := column - l.width; n > 0 {
		l.b.WriteString(strings.Repeat(" ", n))
		l.width = column
	}
	return l
}

// right puts faint text at the right edge of prose, if there is room for it.
func (l *line) right(s string) bool {
	w := widthOf(l.p.text(s))
	if l.width+3+w > l.p.prose {
		return false
	}
	l.to(l.p.prose-w).add(faint, s)
	return true
}

// end writes the line.
func (l *line) end() {
	l.p.w.WriteString(strings.TrimRight(l.b.String(), " ")) //nolint:errcheck,gosec // Flush reports it
	l.p.w.WriteByte('\n')                                   //nolint:errcheck,gosec // Flush reports it
}

func (p *printer) blank() { p.line().end() }

// wrap breaks text between words into lines of at most the given width. A word
// that is longer stays whole, so that it can be copied.
func wrap(s string, width int) []string {
	var lines []string
	at, used := "", 0
	for word := range strings.SplitSeq(s, " ") {
		w := widthOf(word)
		switch {
		case used == 0 && at == "":
			at, used = word, w
		case used+1+w <= width:
			at, used = at+" "+word, used+1+w
		default:
			lines = append(lines, at)
			at, used = word, w
		}
	}
	return append(lines, at)
}

// join puts names one after the other, as many on a line as there is room for. A
// name that is longer has a line of its own.
func (p *printer) join(names []string, width int) []string {
	var lines []string
	for i, s := range names {
		s = p.text(s)
		if i < len(names)-1 {
			s += ","
		}
		if last := len(lines) - 1; last >= 0 && widthOf(lines[last])+1+widthOf(s) <= width {
			lines[last] += " " + s
		} else {
			lines = append(lines, s)
		}
	}
	return lines
}

// chop breaks a name into lines of at most the given width, after punctuation
// where there is some in the second half of a line.
func chop(s string, width int) []string {
	var lines []string
	for widthOf(s) > width {
		end, used, cut := 0, 0, 0
		for i, r := range s {
			w := eastAsian.RuneWidth(r)
			if used+w > width {
				break
			}
			used, end = used+w, i+len(string(r))
			if strings.ContainsRune("@._-/+: ", r) && used > width/2 {
				cut = end
			}
		}
		if cut == 0 {
			cut = end
		}
		if cut == 0 {
			break // a character wider than the line
		}
		lines = append(lines, s[:cut])
		s = s[cut:]
	}
	return append(lines, s)
}
