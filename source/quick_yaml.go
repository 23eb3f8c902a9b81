package source

import (
	"strings"
	"unicode/utf8"
)

// A quickYAML reads YAML in which nothing is unusual: documents of block
// mappings and sequences, flow collections, scalars on one line and texts behind
// | and >. It gives up on anchors, aliases, tags, directives, tabs, complex and
// merge keys, names that stand twice, scalars that go on on the next line, and on
// all that could be a mistake. Then the library reads everything from the
// beginning; what is read here comes to the same tree as there.
type quickYAML struct {
	slab
	file   string
	text   string
	at     int // the offset of what is read next
	line   int
	start  int  // the offset of the start of line
	ended  bool // a document ends before what is next
	values budget

	counted int // an offset in the line, and how many characters there are before it
	chars   int
}

// maxQuickKey is below the 1024 characters that a key may have in the library.
const maxQuickKey = 1000

// readQuickYAML returns the documents of a file, or nil where it gives up.
func readQuickYAML(file string, data []byte, values budget) []*Node {
	q := quickYAML{file: file, text: string(data), line: 1, values: values}
	if !plainCharacters(q.text) || !q.nextLine() || !q.documentEnds() {
		return nil
	}
	var documents []*Node
	for {
		if q.ended {
			q.ended = false
			q.at += len("---")
			if !q.endLine() || q.column() < 0 {
				return nil
			}
		}
		n := q.block(-1, 0)
		if n == nil || q.column() >= 0 {
			return nil
		}
		documents = append(documents, n)
		if !q.ended {
			return documents
		}
	}
}

// plainCharacters reports whether a text has no characters but those that are
// themselves everywhere in YAML, and line breaks: no tabs, nothing that the
// library refuses, and no line breaks beyond those of Unix and Windows.
func plainCharacters(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= ' ' && c < 0x7f, c == '\n':
		case c == '\r':
			if i+1 == len(s) || s[i+1] != '\n' {
				return false
			}
		case c < utf8.RuneSelf:
			return false
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff {
				return false
			}
			i += size - 1
		}
	}
	return true
}

// pos returns the position of an offset in the line. The library counts columns
// in characters.
func (q *quickYAML) pos(offset int) Pos {
	if q.counted < q.start || q.counted > offset {
		q.counted, q.chars = q.start, 0
	}
	q.chars += utf8.RuneCountInString(q.text[q.counted:offset])
	q.counted = offset
	return Pos{File: q.file, Line: q.line, Col: q.chars + 1}
}

// peek returns the byte that is n bytes ahead, or a line break at the end.
func (q *quickYAML) peek(n int) byte {
	if q.at+n >= len(q.text) {
		return '\n'
	}
	return q.text[q.at+n]
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' }

// marker reports whether what is next could be a directive or the marker of a
// document.
func (q *quickYAML) marker() bool {
	rest := q.text[q.at:]
	return q.at == q.start && (strings.HasPrefix(rest, "---") || strings.HasPrefix(rest, "...") || strings.HasPrefix(rest, "%"))
}

// documentEnds notes whether a document ends before what is next, and reports
// whether it can tell.
func (q *quickYAML) documentEnds() bool {
	q.ended = q.marker()
	return !q.ended || strings.HasPrefix(q.text[q.at:], "---")
}

// spaces skips spaces.
func (q *quickYAML) spaces() {
	for q.at < len(q.text) && q.text[q.at] == ' ' {
		q.at++
	}
}

// lineBreak goes to the start of the next line, whatever is left of this one,
// and reports whether there is one.
func (q *quickYAML) lineBreak() bool {
	i := strings.IndexByte(q.text[q.at:], '\n')
	if i < 0 {
		q.at = len(q.text)
		return false
	}
	q.at += i + 1
	q.line++
	q.start = q.at
	return true
}

// nextLine goes from the start of a line to what is the first on it or on a later
// one, leaving out comments, and reports whether there is anything.
func (q *quickYAML) nextLine() bool {
	for {
		q.spaces()
		switch q.peek(0) {
		case '\n', '\r', '#':
			if !q.lineBreak() {
				return false
			}
		default:
			return true
		}
	}
}

// endsLine reports whether there is nothing more on the line, but a comment.
func (q *quickYAML) endsLine() bool {
	before := q.at
	q.spaces()
	c := q.peek(0)
	return c == '\n' || c == '\r' || c == '#' && q.at > before
}

// skipLine goes to what is next on a later line, and reports whether it can tell
// if that is in the same document.
func (q *quickYAML) skipLine() bool {
	return !q.lineBreak() || !q.nextLine() || q.documentEnds()
}

// endLine is skipLine where there is nothing more on the line.
func (q *quickYAML) endLine() bool { return q.endsLine() && q.skipLine() }

// column returns the column of what is next, from zero, where only spaces and
// dashes are before it; -1 is the end of a document.
func (q *quickYAML) column() int {
	if q.ended || q.at >= len(q.text) {
		return -1
	}
	return q.at - q.start
}

// dash reports whether the entry of a sequence is next.
func (q *quickYAML) dash() bool { return q.peek(0) == '-' && isBlank(q.peek(1)) }

// block reads a block that begins here, inside one at the column parent, and goes
// to what is next on a later line. Where that is in the column of no block around,
// it is left over in the end.
func (q *quickYAML) block(parent, depth int) *Node {
	switch c := q.peek(0); {
	case q.dash():
		return q.sequence(depth)
	case c == '[', c == '{', c == '|', c == '>':
		return q.inline(parent, depth)
	}
	begin := q.at
	s, ok := q.scalar(false)
	if !ok {
		return nil
	}
	if q.colon(begin) {
		return q.mapping(s, depth)
	}
	if !q.spend(depth) || !q.endLine() {
		return nil
	}
	return q.leaf(s)
}

// inline reads a value that begins on the line of its key, and goes to what is
// next on a later line.
func (q *quickYAML) inline(parent, depth int) *Node {
	var n *Node
	switch q.peek(0) {
	case '[', '{':
		n = q.flow(depth)
	case '|', '>':
		if !q.spend(depth) {
			return nil
		}
		return q.blockText(parent)
	default:
		s, ok := q.scalar(false)
		if !ok || !q.spend(depth) {
			return nil
		}
		n = q.leaf(s)
	}
	if n == nil || !q.endLine() {
		return nil
	}
	return n
}

// spend takes a value off the budget, and reports whether it may be there.
func (q *quickYAML) spend(depth int) bool { return depth <= MaxDepth && q.values.spend() }

// colon goes behind the colon of a key that begins at an offset, and reports
// whether there is one.
func (q *quickYAML) colon(begin int) bool {
	at := q.at
	q.spaces()
	if q.at < len(q.text) && q.text[q.at] == ':' && isBlank(q.peek(1)) && q.at-begin <= maxQuickKey {
		q.at++
		return true
	}
	q.at = at
	return false
}

// mapping reads a mapping from behind the colon of its first key.
func (q *quickYAML) mapping(key scalar, depth int) *Node {
	if !q.spend(depth) {
		return nil
	}
	n, column, height := q.node(Mapping, key.pos), key.pos.Col-1, len(q.openFields)
	for {
		if key.merge() {
			return nil
		}
		q.values.spend() // that there are too many shows at the value
		value := q.mappingValue(column, depth+1)
		if value == nil {
			return nil
		}
		q.openFields = append(q.openFields, Field{Name: key.text, Pos: key.pos, Value: value})
		if q.column() != column {
			break
		}
		begin := q.at
		var ok bool
		if key, ok = q.scalar(false); !ok || !q.colon(begin) {
			return nil
		}
	}
	var ok bool
	if n.Fields, ok = q.closeFields(height); !ok {
		return nil
	}
	return n
}

// mappingValue reads what is behind the colon of a key in a column.
func (q *quickYAML) mappingValue(column, depth int) *Node {
	behind := q.at
	if !q.endsLine() {
		return q.inline(column, depth)
	}
	return q.nextLines(q.pos(behind), column, depth, true)
}

// nextLines reads the value of a key or dash in a column behind which the line ends:
// what stands deeper, for a key a sequence in the same column too, or else null.
func (q *quickYAML) nextLines(behind Pos, column, depth int, ofKey bool) *Node {
	if !q.skipLine() {
		return nil
	}
	switch {
	case q.column() > column:
		return q.block(column, depth)
	case ofKey && q.column() == column && q.dash():
		return q.sequence(depth)
	case !q.spend(depth):
		return nil
	}
	return q.node(Null, behind)
}

// sequence reads a sequence whose first dash is next.
func (q *quickYAML) sequence(depth int) *Node {
	if !q.spend(depth) {
		return nil
	}
	n, column, height := q.node(Sequence, q.pos(q.at)), q.column(), len(q.openItems)
	for q.column() == column && q.dash() {
		q.at++
		item := q.entry(column, depth+1)
		if item == nil {
			return nil
		}
		q.openItems = append(q.openItems, item)
	}
	n.Items = q.closeItems(height)
	return n
}

// entry reads what is behind the dash in a column.
func (q *quickYAML) entry(column, depth int) *Node {
	behind := q.at
	if !q.endsLine() {
		return q.block(column, depth)
	}
	return q.nextLines(q.pos(behind), column, depth, false)
}
