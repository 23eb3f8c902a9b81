package source

import "strings"

// blockText reads a text behind | or >, whose indicator is next, inside a block
// at the column parent, and goes to what is next on a later line. It gives up on
// indicators of indentation, on |+ and on empty lines in front; in what is folded
// on lines that are indented further too.
func (q *quickYAML) blockText(parent int) *Node {
	n, folded := q.node(String, q.pos(q.at)), q.peek(0) == '>'
	q.at++
	strip := q.peek(0) == '-'
	if strip {
		q.at++
	}
	if !q.endsLine() || !q.lineBreak() {
		return nil
	}
	indent := 0
	for q.peek(indent) == ' ' {
		indent++
	}
	if indent <= max(parent, 0) || isBlank(q.peek(indent)) {
		return nil
	}
	var ok bool
	if n.Text, ok = q.textLines(indent, folded, strip); !ok {
		return nil
	}
	if q.nextLine() && !q.documentEnds() {
		return nil
	}
	return n
}

// textLines reads the lines of a text up to one that is indented less.
func (q *quickYAML) textLines(indent int, folded, strip bool) (string, bool) {
	var text strings.Builder
	empty := 0 // the lines without anything since the last one with something
	broken := true
	for broken {
		line, in := q.textLine(indent)
		switch {
		case !in:
			return closeText(&text, strip), true
		case line == "":
			empty++
		case folded && line[0] == ' ':
			return "", false
		default:
			if text.Len() > 0 {
				joinText(&text, folded, empty)
			}
			text.WriteString(line)
			empty = 0
		}
		broken = q.lineBreak()
	}
	if empty > 0 { // behind the last line break
		return closeText(&text, strip), true
	}
	return text.String(), true
}

// textLine returns what a text has on the line that begins here, and whether the
// line is one of the text.
func (q *quickYAML) textLine(indent int) (string, bool) {
	end := strings.IndexByte(q.text[q.at:], '\n')
	if end < 0 {
		end = len(q.text) - q.at
	}
	line := strings.TrimSuffix(q.text[q.at:q.at+end], "\r")
	for i := range indent {
		if i == len(line) {
			return "", true
		}
		if line[i] != ' ' {
			return "", false
		}
	}
	return line[indent:], true
}

// joinText writes what stands for the line break behind a line with something on
// it and for the empty lines that follow.
func joinText(text *strings.Builder, folded bool, empty int) {
	switch {
	case folded && empty == 0:
		text.WriteByte(' ')
	case folded:
		text.WriteString(strings.Repeat("\n", empty))
	default:
		text.WriteString(strings.Repeat("\n", empty+1))
	}
}

// closeText returns a text whose last line has a line break.
func closeText(text *strings.Builder, strip bool) string {
	if !strip {
		text.WriteByte('\n')
	}
	return text.String()
}
