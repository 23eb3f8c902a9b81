package source

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// A scalar is one of YAML on a single line.
type scalar struct {
	pos   Pos
	text  string
	plain bool // without quotes
}

// merge reports whether the scalar is a merge key.
func (s scalar) merge() bool { return s.plain && s.text == "<<" }

// scalar reads a scalar, inside a flow collection or not, and goes behind it.
func (q *quickYAML) scalar(flow bool) (scalar, bool) {
	s := scalar{pos: q.pos(q.at)}
	var ok bool
	switch q.peek(0) {
	case '"':
		s.text, ok = q.doubleQuoted()
	case '\'':
		s.text, ok = q.singleQuoted()
	default:
		s.plain = true
		s.text, ok = q.plain(flow)
	}
	return s, ok
}

// plain reads a scalar without quotes. Where one may begin, it gives up on
// more than the library does.
func (q *quickYAML) plain(flow bool) (string, bool) {
	begin := q.at
	switch c := q.peek(0); c {
	case ' ', '\n', '\r', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '?', ':':
		return "", false
	case '-':
		if next := q.peek(1); next != '.' && !isWordByte(next) {
			return "", false
		}
	}
	i := begin
loop:
	for ; i < len(q.text); i++ {
		switch c := q.text[i]; c {
		case '\n', '\r':
			break loop
		case ':':
			if i+1 == len(q.text) || isBlank(q.text[i+1]) {
				break loop
			}
		case '#':
			if q.text[i-1] == ' ' {
				break loop
			}
		case ',', '[', ']', '{', '}':
			if flow {
				break loop
			}
		case '?':
			if flow {
				return "", false
			}
		}
	}
	for q.text[i-1] == ' ' {
		i--
	}
	q.at = i
	return q.text[begin:i], true
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func (q *quickYAML) singleQuoted() (string, bool) {
	begin := q.at + 1
	doubled := false
	for i := begin; i < len(q.text); i++ {
		switch {
		case q.text[i] == '\n':
			return "", false
		case q.text[i] != '\'':
		case i+1 < len(q.text) && q.text[i+1] == '\'':
			doubled = true
			i++
		default:
			q.at = i + 1
			text := q.text[begin:i]
			if doubled {
				text = strings.ReplaceAll(text, "''", "'")
			}
			return text, true
		}
	}
	return "", false
}

func (q *quickYAML) doubleQuoted() (string, bool) {
	begin := q.at + 1
	escaped := false
	for i := begin; i < len(q.text); i++ {
		switch q.text[i] {
		case '\n':
			return "", false
		case '\\':
			escaped = true
			i++
		case '"':
			q.at = i + 1
			if !escaped {
				return q.text[begin:i], true
			}
			return unescape(q.text[begin:i])
		}
	}
	return "", false
}

// unescape takes the escapes of JSON out of a text, but for \/, which the
// library refuses, and for surrogates.
func unescape(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++
		if i == len(s) {
			return "", false
		}
		switch s[i] {
		case '"', '\\':
			b = append(b, s[i])
		case 'n':
			b = append(b, '\n')
		case 't':
			b = append(b, '\t')
		case 'r':
			b = append(b, '\r')
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'u':
			r, ok := hex4(s[i+1:])
			if !ok || !utf8.ValidRune(r) {
				return "", false
			}
			b = utf8.AppendRune(b, r)
			i += 4
		default:
			return "", false
		}
	}
	return string(b), true
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			r = r<<4 + rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 + rune(c-'a') + 10
		case c >= 'A' && c <= 'F':
			r = r<<4 + rune(c-'A') + 10
		default:
			return 0, false
		}
	}
	return r, true
}

// leaf makes a node of a scalar. What could be more than a text or a small whole
// number is for the library to tell. It may be nil.
func (q *quickYAML) leaf(s scalar) *Node {
	if s.merge() {
		return nil
	}
	n := q.node(String, s.pos)
	n.Text = s.text
	if !s.plain || isText(s.text) {
		return n
	}
	if isSmallWhole(s.text) {
		n.Kind = Number
		return n
	}
	y := &yaml.Node{Kind: yaml.ScalarNode, Value: s.text}
	y.Tag = y.ShortTag()
	var b yamlBuilder
	if b.scalar(n, y); b.err != nil {
		return nil
	}
	return n
}

// isText reports whether a plain scalar is certain to be no null, boolean or
// number, nor a time.
func isText(s string) bool {
	if c := s[0]; c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == '~' {
		return false
	}
	switch s {
	case "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE":
		return false
	}
	return true
}

// isSmallWhole reports whether a plain scalar is a whole number that JSON writes
// in the same way.
func isSmallWhole(s string) bool {
	n, ok := digits(s)
	return ok && n == len(s) && n < 10 && (n == 1 || s[0] != '0')
}
