package report

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

// texts are the lines of input files.
type texts struct {
	read func(file string) []byte // nil if no file is at hand
	of   map[string][]string
}

func newTexts(read func(file string) []byte) *texts {
	return &texts{read, map[string][]string{}}
}

// lines returns lines of a file, as far as it is at hand.
func (t *texts) lines(file string, first, last int) []string {
	all, ok := t.of[file]
	if !ok && t.read != nil {
		if data := t.read(file); data != nil {
			all = strings.Split(strings.ReplaceAll(strings.TrimPrefix(string(data), source.BOM), "\r\n", "\n"), "\n")
		}
		t.of[file] = all
	}
	if first < 1 || first > len(all) {
		return nil
	}
	return all[first-1 : min(max(last, first), len(all))]
}

// An excerpt is a line of a file and what of it a finding is about.
type excerpt struct {
	line     int
	text     string
	from, to int // bytes of the text
}

// How far from a position is looked for what stands there: lines, and bytes of a line.
const (
	nearLines = 20
	nearBytes = 4000
)

// excerpt returns what stands where a finding does, or nil if that is not at hand. Of
// an item of an inventory that is its name.
func (t *texts) excerpt(f *lint.Finding) *excerpt {
	lines := t.lines(f.Pos.File, f.Pos.Line, f.Pos.Line+nearLines)
	at := f.Pos.Col - 1
	if len(lines) == 0 || at < 0 || at >= len(lines[0]) {
		return nil
	}
	x := &excerpt{f.Pos.Line, lines[0], at, span(lines[0], at)}
	if name := firstItem(f); name != "" && f.Policy == "" && x.text[at] == '{' {
		name = source.JSONText(name)
		if i := strings.Index(x.text[at:x.to], name); i >= 0 {
			x.from, x.to = at+i, at+i+len(name)
			return x
		}
		for i, line := range lines[1:] {
			if at := strings.Index(line, name); at >= 0 && x.opens() {
				return &excerpt{f.Pos.Line + 1 + i, line, at, at + len(name)}
			}
		}
	}
	if !x.opens() {
		return x
	}
	for i, line := range lines[1:] {
		if at := len(line) - len(strings.TrimLeft(line, " \t")); at < len(line) {
			return &excerpt{f.Pos.Line + 1 + i, line, at, contentEnd(line, at)}
		}
	}
	return nil
}

// firstItem is the name of the item that stands where the finding does.
func firstItem(f *lint.Finding) string {
	if len(f.Items) > 0 {
		return f.Items[0].Name
	}
	return f.Name
}

// opens reports whether what an excerpt is of only begins in its line: a bracket, or
// the head of a block of text.
func (x *excerpt) opens() bool {
	rest := strings.TrimRight(x.text[x.from:contentEnd(x.text, x.from)], " \t")
	return rest == "{" || rest == "[" || rest != "" && strings.ContainsRune("|>", rune(rest[0])) && strings.Trim(rest[1:], "+-0123456789") == ""
}

// span returns where the value ends that begins at an offset of a line of YAML or JSON:
// a scalar or a list in brackets. Of an entry of a list that is a mapping it is the
// first pair.
func span(line string, at int) int {
	end := valueEnd(line, at)
	rest := strings.TrimLeft(line[end:], " \t")
	isKey := strings.HasPrefix(rest, ":") && (len(rest) == 1 || line[at] == '"' || line[at] == '\'' || strings.ContainsRune(" \t", rune(rest[1])))
	if before := strings.TrimRight(line[:at], " \t"); isKey && strings.HasSuffix(before, "-") {
		return max(end, contentEnd(line, at))
	}
	return max(end, at+1)
}

func valueEnd(line string, at int) int {
	switch line[at] {
	case '"', '\'':
		if end := quoteEnd(line, at); end > 0 {
			return end
		}
		return len(strings.TrimRight(line, " \t"))
	case '[', '{':
		if end := bracketEnd(line, at); end > 0 {
			return end
		}
		return contentEnd(line, at)
	}
	end := contentEnd(line, at)
	if i := strings.Index(line[at:end]+" ", ": "); i >= 0 {
		end = min(end, at+i)
	}
	if inBrackets(line, at) {
		if i := strings.IndexAny(line[at:end], ",]}"); i >= 0 {
			end = at + i
		}
	}
	return at + len(strings.TrimRight(line[at:end], " \t"))
}

// quoteEnd returns the offset behind a quoted text, or 0 if it does not end in the line.
func quoteEnd(line string, at int) int {
	quote := line[at]
	for i := at + 1; i < min(len(line), at+nearBytes); i++ {
		switch {
		case line[i] == '\\' && quote == '"':
			i++
		case line[i] == quote && quote == '\'' && i+1 < len(line) && line[i+1] == quote:
			i++
		case line[i] == quote:
			return i + 1
		}
	}
	return 0
}

// bracketEnd returns the offset behind a list or mapping in brackets, or 0 if it does
// not end in the line.
func bracketEnd(line string, at int) int {
	depth := 0
	for i := at; i < min(len(line), at+nearBytes); i++ {
		switch line[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"', '\'':
			if end := quoteEnd(line, i); end > 0 && startsValue(line, i) {
				i = end - 1
			}
		}
	}
	return 0
}

// startsValue reports whether a quote begins a text, and is no apostrophe in one.
func startsValue(line string, at int) bool {
	before := strings.TrimRight(line[:at], " \t")
	return before == "" || len(before) < at || strings.ContainsRune("[{,:", rune(before[len(before)-1]))
}

// inBrackets reports whether an offset is within a list or mapping in brackets.
func inBrackets(line string, at int) bool {
	depth := 0
	for i := max(0, at-nearBytes); i < at; i++ {
		switch line[i] {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		case '"', '\'':
			if end := quoteEnd(line, i); end > 0 && end <= at && startsValue(line, i) {
				i = end - 1
			}
		}
	}
	return depth > 0
}

// contentEnd returns where a line ends from an offset on, without a comment, spaces, and
// the comma of a list.
func contentEnd(line string, at int) int {
	end := min(len(line), at+nearBytes)
	for i := at; i < end; i++ {
		switch line[i] {
		case '#':
			if i > at && (line[i-1] == ' ' || line[i-1] == '\t') {
				end = i
			}
		case '"', '\'':
			if q := quoteEnd(line, i); q > 0 && startsValue(line, i) {
				i = q - 1
			}
		}
	}
	return max(at+1, at+len(strings.TrimSuffix(strings.TrimRight(line[at:end], " \t"), ",")))
}

// nearCommand is how much of a line is looked at for whether a character begins a command.
const nearCommand = 64

// tabWidth is how many columns a tab goes on to a multiple of.
const tabWidth = 4

// draw returns the line and marks that stand under what it is about, in at most so many
// columns: the line is cut around the marks where it is longer. Show makes text inert.
func (x *excerpt) draw(show func(string) string, room int, dots string) (line, marks string) {
	first := max(0, x.from-nearBytes)
	for first > 0 && !utf8.RuneStart(x.text[first]) {
		first--
	}
	text := x.text[first:min(len(x.text), x.from+nearBytes)]
	cells, width := cellsOf(text, show)
	from, to := width, width // columns of the marks
	for _, c := range cells {
		if at := first + c.at; at < x.to && at+c.bytes > x.from {
			from, to = min(from, c.column), c.column+c.width
		}
	}
	left, right := 0, width
	if width > room || first > 0 {
		if to > room-widthOf(dots) || first > 0 {
			left = max(0, from-room/4)
		}
		right = left + room - widthOf(dots)
		if left > 0 || first > 0 {
			right -= widthOf(dots)
		}
	}
	var parts [3]string // before the marks, on them, behind them
	if left > 0 || first > 0 {
		parts[0] = dots
	}
	for _, c := range cells {
		part := 2
		switch {
		case c.column < left:
			continue
		case c.column < from:
			part = 0
		case c.column < to:
			part = 1
		}
		if c.column+c.width > right && right < width {
			parts[2] += dots
			break
		}
		parts[part] += c.text
	}
	before, on := show(parts[0]), show(parts[1])
	line = strings.TrimRight(show(parts[0]+parts[1]+parts[2]), " ")
	return line, strings.Repeat(" ", widthOf(before)) + strings.Repeat("^", max(1, widthOf(on)))
}

// A cell is a character of a line with the marks on it, as it is shown.
type cell struct {
	text      string
	at, bytes int // in the line
	column    int
	width     int
}

// cellsOf takes a line apart.
func cellsOf(line string, show func(string) string) (cells []cell, width int) {
	for i := 0; i < len(line); {
		n := clusterLen(line[i:])
		c := cell{at: i, bytes: n, column: width}
		switch {
		case line[i] == '\t':
			c.text = strings.Repeat(" ", tabWidth-width%tabWidth)
		case line[i] == '#' && !strings.HasPrefix(source.WithoutCommands(line[i:min(len(line), i+nearCommand)]), "#"):
			c.text = `\u0023` + show(line[i+1:i+n])
		default:
			c.text = show(line[i : i+n])
		}
		c.width = widthOf(c.text)
		cells = append(cells, c)
		width += c.width
		i += n
	}
	return cells, width
}

// clusterLen returns how many bytes a character and the marks on it take.
func clusterLen(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return n
	}
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			break
		}
		n += size
	}
	return n
}
