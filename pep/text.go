package pep

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// The placeholders. A value that is filled in is not searched for placeholders.
const (
	serverName = "server"
	itemName   = "name"
	itemType   = "type"
	itemTags   = "tags"
	arguments  = "arguments"
)

// inText can stand anywhere in a text, inValue as the whole of an attribute's
// value too.
var (
	inText  = []string{serverName, itemName, itemType}
	inValue = []string{serverName, itemName, itemType, itemTags, arguments}
)

// A text is a string of a template, taken apart.
type text []piece

// A piece stands in a text as it is, or is the name of a placeholder.
type piece struct {
	text        string
	placeholder bool
}

// literal returns a text that is s as it is, braces included.
func literal(s string) text { return text{{text: s}} }

// parse takes a string apart. {{ and }} are literal braces. Broken are the unmatched
// ones: each } by itself, and what begins with a { that is not closed.
func parse(s string) (t text, broken []string) {
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			t = append(t, piece{text: plain.String()})
			plain.Reset()
		}
	}
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			i = len(s)
		}
		plain.WriteString(s[:i])
		switch s = s[i:]; {
		case s == "":
		case strings.HasPrefix(s, "{{"), strings.HasPrefix(s, "}}"):
			plain.WriteByte(s[0])
			s = s[2:]
		case s[0] == '}':
			broken = append(broken, "}")
			s = s[1:]
		default:
			end := strings.IndexAny(s[1:], "{}") + 1
			if end == 0 || s[end] == '{' {
				if end == 0 {
					end = len(s)
				}
				broken = append(broken, s[:end])
				s = s[end:]
				continue
			}
			flush()
			t = append(t, piece{text: s[1:end], placeholder: true})
			s = s[end+1:]
		}
	}
	flush()
	return t, broken
}

// mustParse is for the texts of this package.
func mustParse(s string) text {
	t, broken := parse(s)
	if broken != nil {
		panic("pep: " + s)
	}
	return t
}

// is reports whether the text is nothing but that placeholder.
func (t text) is(name string) bool {
	return len(t) == 1 && t[0] == piece{name, true}
}

// values are what the placeholders stand for.
type values struct {
	server, name, itemType string
	tags                   []any
}

func (t text) fill(v *values) string {
	var b strings.Builder
	for _, p := range t {
		s := p.text
		if p.placeholder {
			switch p.text {
			case serverName:
				s = v.server
			case itemName:
				s = v.name
			case itemType:
				s = v.itemType
			default: // a profile with any other is refused
				continue
			}
		}
		b.WriteString(s)
	}
	return b.String()
}

// A location is where a text stands in a request.
type location uint8

const (
	inRequest location = iota // kind, id, action, policyVersion, scope
	inAttr                    // the value of an attribute
	inList                    // in a list in it
	inKey                     // the name of an attribute
)

// misplaced says what is wrong with the placeholders of a text, if anything.
// A gate is a request that is asked once for a whole list.
func (t text) misplaced(where location, gate bool) []string {
	var wrong []string
	for _, p := range t {
		if !p.placeholder {
			continue
		}
		what := braced(p.text)
		switch {
		case !slices.Contains(inValue, p.text):
			wrong = append(wrong, unknown(p.text, where))
		case where == inKey:
			wrong = append(wrong, fmt.Sprintf("%s cannot stand in the name of an attribute, which is the same for every item", what))
		case (p.text == arguments || p.text == itemTags) && (where == inRequest || len(t) > 1):
			wrong = append(wrong, what+" can only be the whole of an attribute's value")
		case p.text == arguments && where == inList:
			wrong = append(wrong, "{arguments} cannot stand in a list")
		case gate && (p.text == itemName || p.text == itemTags):
			wrong = append(wrong, "a gate is asked about once for the list, so there is no "+what)
		}
	}
	return wrong
}

// unclosed says what is wrong with a part of a text that [parse] calls broken.
func unclosed(part string) string {
	if part == "}" {
		return "a } closes nothing; one that is meant is written }}"
	}
	return shorten(part) + " is not closed with a }; a { that is meant is written {{"
}

// unknown says that there is no such placeholder, and what may be meant.
func unknown(name string, where location) string {
	if end := strings.IndexAny(name, ".["); end > 0 && strings.TrimSpace(name[:end]) == arguments {
		return braced(name) + ": a part of the arguments cannot be said; {arguments} as the whole of an attribute's value sends all of them"
	}
	msg := "unknown placeholder " + braced(name)
	if near := nearest(name); near != "" {
		return fmt.Sprintf("%s (did you mean %s?)", msg, braced(near))
	}
	var known []string
	switch where {
	case inRequest:
		known = inText
	case inAttr, inList:
		known = inValue
	case inKey:
		return msg + "; a name has none, and a brace that is meant stands twice: {{ or }}"
	}
	last := len(known) - 1
	return fmt.Sprintf("%s; there are {%s} and {%s}; a brace that is meant stands twice: {{ or }}", msg, strings.Join(known[:last], "}, {"), known[last])
}

// nearest returns the placeholder that is most like a name or a word in it, or "" if
// none is.
func nearest(name string) string {
	near := func(s string) string {
		if slices.Contains(inValue, s) {
			return s
		}
		return source.Nearest(s, inValue)
	}
	if n := near(strings.TrimSpace(name)); n != "" {
		return n
	}
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" ._-:/[]$", r) }) {
		if n := near(word); n != "" {
			return n
		}
	}
	for _, known := range inValue {
		if strings.HasSuffix(strings.ToLower(name), known) { // toolName
			return known
		}
	}
	return ""
}

func braced(name string) string { return "{" + shorten(name) + "}" }

// shorten cuts a name that is too long for a message.
func shorten(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
