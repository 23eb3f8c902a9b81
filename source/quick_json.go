package source

import (
	"encoding/json"
	"strings"
)

// A quickJSON reads JSON in which nothing is unusual: no comments, no name twice
// in an object, no more values and no deeper than a file may have. It reports no
// mistakes. Whatever it does not read is read again from the beginning by a
// parser that knows all of the notation and says what is wrong where; what it
// does read comes to the same tree, and takes as many values off the budget.
type quickJSON struct {
	*slab
	file   string
	text   string
	at     int // the offset of what is read next
	line   int
	start  int // the offset of the start of line
	depth  int
	values *budget
}

// readQuickJSON returns nil where it gives up; the budget is then as before. The
// nodes come from a slab, which many small values should share.
func readQuickJSON(file string, data []byte, firstLine int, values *budget, nodes *slab) *Node {
	left := *values
	nodes.openItems, nodes.openFields = nodes.openItems[:0], nodes.openFields[:0]
	q := quickJSON{slab: nodes, file: file, text: string(data), line: firstLine, values: values}
	if n := q.value(); n != nil {
		if q.next() == 0 && q.at == len(q.text) {
			return n
		}
	}
	*values = left
	return nil
}

// next skips white space and returns the byte behind it, or 0 at the end.
func (q *quickJSON) next() byte {
	for ; q.at < len(q.text); q.at++ {
		switch c := q.text[q.at]; c {
		case ' ', '\t', '\r':
		case '\n':
			q.line++
			q.start = q.at + 1
		default:
			return c
		}
	}
	return 0
}

func (q *quickJSON) pos() Pos { return Pos{File: q.file, Line: q.line, Col: q.at - q.start + 1} }

func (q *quickJSON) value() *Node {
	c := q.next()
	if !q.values.spend() {
		return nil
	}
	switch pos := q.pos(); c {
	case '{':
		return q.object(pos)
	case '[':
		return q.array(pos)
	case '"':
		text, ok := q.string()
		if !ok {
			return nil
		}
		n := q.node(String, pos)
		n.Text = text
		return n
	default:
		return q.word(pos)
	}
}

// enter goes into an object or an array, and reports whether it may.
func (q *quickJSON) enter() bool {
	q.at++
	q.depth++
	return q.depth <= MaxDepth
}

// more goes behind a comma or behind the end of a collection.
func (q *quickJSON) more(end byte) (more, ok bool) {
	c := q.next()
	q.at++
	if c == end {
		q.depth--
	}
	return c == ',', c == ',' || c == end
}

func (q *quickJSON) object(pos Pos) *Node {
	if !q.enter() {
		return nil
	}
	n, height := q.node(Mapping, pos), len(q.openFields)
	if q.next() == '}' {
		q.at++
		q.depth--
		return n
	}
	for more := true; more; {
		if q.next() != '"' || !q.values.spend() {
			return nil
		}
		f := Field{Pos: q.pos()}
		var ok bool
		if f.Name, ok = q.string(); !ok || q.next() != ':' {
			return nil
		}
		q.at++
		if f.Value = q.value(); f.Value == nil {
			return nil
		}
		q.openFields = append(q.openFields, f)
		if more, ok = q.more('}'); !ok {
			return nil
		}
	}
	var ok bool
	if n.Fields, ok = q.closeFields(height); !ok {
		return nil
	}
	return n
}

func (q *quickJSON) array(pos Pos) *Node {
	if !q.enter() {
		return nil
	}
	n, height := q.node(Sequence, pos), len(q.openItems)
	if q.next() == ']' {
		q.at++
		q.depth--
		return n
	}
	for more := true; more; {
		item := q.value()
		if item == nil {
			return nil
		}
		q.openItems = append(q.openItems, item)
		var ok bool
		if more, ok = q.more(']'); !ok {
			return nil
		}
	}
	n.Items = q.closeItems(height)
	return n
}

// string reads a string, whose quote is next.
func (q *quickJSON) string() (string, bool) {
	begin := q.at
	escaped := false
	for i := begin + 1; i < len(q.text); i++ {
		switch c := q.text[i]; {
		case c == '"':
			q.at = i + 1
			if !escaped {
				return q.text[begin+1 : i], true
			}
			var text string
			err := json.Unmarshal([]byte(q.text[begin:q.at]), &text)
			return text, err == nil
		case c == '\\':
			escaped = true
			i++ // json.Unmarshal looks at it
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

// word reads null, a boolean or a number.
func (q *quickJSON) word(pos Pos) *Node {
	begin := q.at
	for q.at < len(q.text) && !endsWord(q.text[q.at]) {
		q.at++
	}
	text := q.text[begin:q.at]
	switch {
	case text == "null":
		return q.node(Null, pos)
	case text == "true", text == "false":
		n := q.node(Bool, pos)
		n.Text = text
		return n
	case isJSONNumber(text):
		n := q.node(Number, pos)
		n.Text = text
		return n
	}
	return nil
}

func endsWord(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ':', ']', '}':
		return true
	}
	return false
}

// isJSONNumber reports whether a text is a number as JSON, and so a [Node],
// writes it.
func isJSONNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, ok := digits(s)
	if !ok || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		n, ok := digits(s[1:])
		if !ok {
			return false
		}
		s = s[1+n:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	n, ok := digits(s)
	return ok && n == len(s)
}

// digits returns how many digits a text begins with, and whether it does.
func digits(s string) (int, bool) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n, n > 0
}
