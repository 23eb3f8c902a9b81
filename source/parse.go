package source

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// clean checks what holds for every text file, its size and its encoding, and
// takes a byte order mark away.
func clean(file string, data []byte) ([]byte, error) {
	if len(data) > MaxBytes {
		return nil, Errorf(Pos{File: file}, "the file is %s, more than the %s that are read", size(len(data)), size(MaxBytes))
	}
	data = bytes.TrimPrefix(data, []byte(BOM))
	if !utf8.Valid(data) {
		at := invalidUTF8(data)
		return nil, Errorf(newLines(file, data).pos(at), "byte 0x%02x is not valid UTF-8", data[at])
	}
	return data, nil
}

// CheckSize refuses a file that is too large to read. It is for callers who
// know the size before they have the content.
func CheckSize(file string, bytes int64) error {
	if bytes > MaxBytes {
		return Errorf(Pos{File: file}, "the file is %d MiB, more than the %s that are read", bytes>>20, size(MaxBytes))
	}
	return nil
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return 0
}

func size(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// lines turns offsets into positions. Offsets must be asked for in growing
// order for it to be fast; any order is right.
type lines struct {
	file string
	data []byte
	at   int // the offset of the start of line
	line int
	seen int
}

func newLines(file string, data []byte) *lines { return &lines{file: file, data: data, line: 1} }

func (l *lines) pos(offset int) Pos {
	offset = min(offset, len(l.data))
	if offset < l.seen {
		l.at, l.line, l.seen = 0, 1, 0
	}
	for {
		i := bytes.IndexByte(l.data[l.seen:offset], '\n')
		if i < 0 {
			l.seen = offset
			return Pos{File: l.file, Line: l.line, Col: offset - l.at + 1}
		}
		l.seen += i + 1
		l.at = l.seen
		l.line++
	}
}

// ParseLines reads a file that holds one JSON value a line, as in transcripts
// and exports. Empty lines are skipped.
func ParseLines(file string, data []byte) ([]*Node, error) {
	data, err := clean(file, data)
	if err != nil {
		return nil, err
	}
	var nodes []*Node
	values, all := newBudget(), &slab{}
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		n, err := parseJSONAt(file, text, line, false, values, all)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return nil, Errorf(Pos{File: file}, "the file is empty")
	}
	return nodes, nil
}

// A budget is how many values a file may still have.
type budget int

func newBudget() *budget {
	b := budget(MaxValues)
	return &b
}

// spend takes one value off, and reports whether there was one left.
func (b *budget) spend() bool {
	*b--
	return *b >= 0
}

func tooMany(pos Pos) error {
	return Errorf(pos, "the file has more than %d values and names of fields, which is more than is read", MaxValues)
}

// checkJSON refuses nesting and a number of values that no real file has,
// before a recursive parser sees them. A comment counts as a value.
func checkJSON(file string, data []byte, firstLine int, values *budget) error {
	at := func(i int) Pos {
		p := newLines(file, data).pos(i)
		p.Line += firstLine - 1
		return p
	}
	depth := 0
	for i := 0; i < len(data); i++ {
		begins := false
		switch c := data[i]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
		case ']', '}':
			depth--
		case '[', '{':
			if depth++; depth > MaxDepth {
				return Errorf(at(i), "values are nested more than %d deep", MaxDepth)
			}
			begins = true
		default:
			begins = true
		}
		if !begins {
			continue
		}
		if !values.spend() {
			return tooMany(at(i))
		}
		i = scalarEnd(data, i)
	}
	return nil
}

// scalarEnd returns the offset of the last byte of a string, a word, a number or
// a comment that begins at i, or i where something else does.
func scalarEnd(data []byte, i int) int {
	switch c := data[i]; {
	case c == '[' || c == '{':
		return i
	case c == '"':
		for i++; i < len(data) && data[i] != '"'; i++ {
			if data[i] == '\\' {
				i++
			}
		}
		return i
	case bytes.HasPrefix(data[i:], []byte("//")):
		if n := bytes.IndexByte(data[i:], '\n'); n >= 0 {
			return i + n
		}
		return len(data)
	case bytes.HasPrefix(data[i:], []byte("/*")):
		if n := bytes.Index(data[i+2:], []byte("*/")); n >= 0 {
			return i + n + 3
		}
		return len(data)
	}
	if n := bytes.IndexAny(data[i:], " \t\r\n,:[]{}\"/"); n > 0 {
		return i + n - 1
	} else if n == 0 {
		return i
	}
	return len(data)
}

// sentence makes a parser's message fit for one line behind a position.
func sentence(msg string) string {
	msg = strings.TrimSpace(strings.ReplaceAll(msg, "\n", " "))
	return strings.TrimSuffix(msg, ".")
}
