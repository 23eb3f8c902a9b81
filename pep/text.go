package pep

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// The placeholders. A value that is filled in is not searched for placeholders.
const (
	serverName = "server"
	itemName   = "name"
	itemType   = "type"
	itemTags   = "tags"
	arguments  = "arguments"
	unknownOne = "unknown" // what is looked up at the time of the call
	roles      = "principal.roles"
)

// Those with a path below them.
const (
	ofArguments   = "arguments."
	ofAttributes  = "principal.attr."
	ofAnnotations = "annotations."
	ofMeta        = "_meta."
)

// inText can stand anywhere in a text, inValue as the whole of an attribute's
// value too.
var (
	inText  = []string{serverName, itemName, itemType, "principal.id", "principal.scope", "principal.policyVersion"}
	inValue = append(slices.Clone(inText), itemTags, arguments, unknownOne, roles)
	below   = []string{ofArguments, ofAttributes, ofAnnotations, ofMeta}
)

// wholly can only be the whole of an attribute's value: they are no texts.
var wholly = []string{itemTags, arguments, unknownOne, roles}

// A text is a string of a template, taken apart.
type text []piece

// A piece stands in a text as it is, or is the name of a placeholder.
type piece struct {
	text        string
	placeholder bool
}

// path returns the names below a root that a placeholder is a path of.
func (p piece) path(root string) ([]string, bool) {
	if !p.placeholder || !strings.HasPrefix(p.text, root) {
		return nil, false
	}
	return strings.Split(p.text[len(root):], "."), true
}

// known reports whether there is such a placeholder.
func (p piece) known() bool {
	if slices.Contains(inValue, p.text) {
		return true
	}
	for _, root := range below {
		if path, ok := p.path(root); ok {
			return !slices.ContainsFunc(path, func(name string) bool {
				return name == "" || name != strings.TrimSpace(name) || name == authz.LookedUp || strings.ContainsAny(name, "[]\"'")
			})
		}
	}
	return false
}

// ofItem reports whether a placeholder stands for something of the item.
func (p piece) ofItem() bool {
	return p.text == itemName || p.text == itemTags || strings.HasPrefix(p.text, ofAnnotations) || strings.HasPrefix(p.text, ofMeta)
}

// ofCall reports whether a placeholder stands for something that is known only when somebody
// calls.
func (p piece) ofCall() bool {
	return p.placeholder && (p.text == arguments || p.text == unknownOne || strings.HasPrefix(p.text, ofArguments) || strings.HasPrefix(p.text, "principal."))
}

// origin returns where the value comes from, nil if it is known before anybody calls. At is
// where it stands.
func (p piece) origin(at []string) authz.Origin {
	if path, ok := p.path(ofArguments); ok {
		return append(authz.Origin{arguments}, path...)
	}
	if path, ok := p.path(ofAttributes); ok {
		return append(authz.Origin{"principal", "attr"}, path...)
	}
	switch p.text {
	case arguments:
		return authz.Origin{arguments}
	case unknownOne:
		return append(authz.Origin{arguments, authz.LookedUp}, at[1:]...)
	}
	if name, ok := strings.CutPrefix(p.text, "principal."); ok {
		return authz.Origin{"principal", name}
	}
	return nil
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

// values are what the placeholders stand for that are known before anybody calls.
type values struct {
	server string
	item   *Item
	name   string // the item's
}

// value returns what a placeholder stands for, and whether there is such a thing.
func (v *values) value(p piece) (any, bool) {
	if path, ok := p.path(ofAnnotations); ok {
		return within(v.item.Annotations, path)
	}
	if path, ok := p.path(ofMeta); ok {
		return within(v.item.Meta, path)
	}
	switch p.text {
	case serverName:
		return v.server, true
	case itemName:
		return v.name, true
	case itemType:
		return v.item.Type.String(), true
	case itemTags:
		return tagList(v.item.Tags), true
	}
	return nil, false
}

func within(v any, path []string) (any, bool) {
	for _, name := range path {
		m, _ := v.(map[string]any)
		var ok bool
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// fill returns the text with what is known of its placeholders. Those that depend on the
// call are left as people write them, and the text is one that is made, too.
func (t text) fill(v *values) (string, []authz.Piece) {
	if len(t) == 1 && !t[0].placeholder {
		return t[0].text, nil
	}
	var b strings.Builder
	open := slices.ContainsFunc(t, piece.ofCall)
	var made []authz.Piece
	for _, p := range t {
		if p.ofCall() {
			from := p.origin(nil)
			b.WriteString(braced(p.text))
			made = append(made, authz.Piece{From: from, Type: v.item.argumentType(from)})
			continue
		}
		s := p.text
		if p.placeholder {
			s = textOf(v.value(p))
		}
		b.WriteString(s)
		if open {
			made = append(made, authz.Piece{Text: s})
		}
	}
	return b.String(), made
}

// textOf writes a value in a text: what is missing is empty, and what is no text is JSON.
func textOf(v any, ok bool) string {
	if s, isText := v.(string); isText || !ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // never: it is a JSON value
	}
	return string(data)
}

// A location is where a text stands in a request.
type location uint8

const (
	inRequest location = iota // id
	inRoute                   // kind, action, policyVersion, scope
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
		case !p.known():
			wrong = append(wrong, unknown(p.text, where))
		case where == inKey:
			wrong = append(wrong, fmt.Sprintf("%s cannot stand in the name of an attribute, which is the same for every item", what))
		case slices.Contains(wholly, p.text) && (where == inRequest || where == inRoute || len(t) > 1):
			wrong = append(wrong, what+" can only be the whole of an attribute's value")
		case where == inList && p.origin([]string{"attr"}) != nil:
			wrong = append(wrong, what+" cannot stand in a list")
		case gate && p.ofItem():
			wrong = append(wrong, "a gate is asked about once for the list, so there is no "+what)
		case gate && strings.HasPrefix(p.text, ofArguments):
			wrong = append(wrong, "a list has no arguments, so there is no "+what)
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
	msg := "unknown placeholder " + braced(name)
	if near := nearest(name); near != "" {
		return fmt.Sprintf("%s (did you mean %s?)", msg, braced(near))
	}
	known := inText
	switch where {
	case inAttr, inList:
		known = inValue
	case inKey:
		return msg + "; a name has none, and a brace that is meant stands twice: {{ or }}"
	case inRequest, inRoute:
	}
	known = append(slices.Clone(known), "arguments.NAME", "principal.attr.NAME", "annotations.NAME", "_meta.NAME")
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
	trimmed := strings.TrimSpace(name)
	if !strings.Contains(trimmed, ".") {
		if n := near(trimmed); n != "" {
			return n
		}
	}
	for _, bracket := range []string{"[", "("} {
		if i := strings.Index(trimmed, bracket); i > 0 { // arguments['owner']
			trimmed = trimmed[:i] + "." + strings.Trim(trimmed[i:], "[]()'\" ")
		}
	}
	root, rest, dotted := strings.Cut(trimmed, ".")
	if dotted {
		if n := nearestPath(root, rest); n != "" {
			return n
		}
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

// nearestPath is nearest of a name with a path below it.
func nearestPath(root, rest string) string {
	fields := strings.Split(rest, ".")
	for i, f := range fields {
		if fields[i] = strings.TrimSpace(f); fields[i] == "" {
			fields[i] = "NAME"
		}
	}
	of := source.Nearest(root, []string{"arguments", "principal", "annotations", "_meta"})
	for _, known := range []string{"arguments", "principal", "annotations", "_meta"} {
		if root == known {
			of = root
		}
	}
	switch of {
	case "arguments", "annotations", "_meta":
		return of + "." + strings.Join(fields, ".")
	case "principal":
		if fields[0] == "attr" {
			return "principal.attr.NAME"
		}
		if n := source.Nearest(fields[0], []string{"id", "roles", "scope", "policyVersion", "attr"}); n == "attr" && len(fields) > 1 {
			return "principal.attr." + strings.Join(fields[1:], ".")
		} else if n != "" && n != "attr" {
			return "principal." + n
		}
		return "principal.attr." + strings.Join(fields, ".")
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
