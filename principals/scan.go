package principals

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A lineReader reads the JSON of a principal where nothing about it is
// unusual. It never reports a mistake: it gives up, and the line is read again
// by readEntry. Whatever it does read, readEntry reads the same.
type lineReader struct {
	names  cache[string]
	lists  cache[[]string]
	attrs  cache[map[string]any]
	values cache[any] // lists and mappings among the attributes
}

func newLineReader() *lineReader {
	return &lineReader{
		names: cache[string]{}, lists: cache[[]string]{}, attrs: cache[map[string]any]{}, values: cache[any]{},
	}
}

// read fills p from a line of valid UTF-8.
func (r *lineReader) read(line []byte, p *authz.Principal) bool {
	if line[0] != '{' || !json.Valid(line) {
		return false
	}
	var seen fieldSet
	ok := members(line, func(key, value []byte) bool {
		field, ok := r.field(p, key, value)
		ok = ok && seen&field == 0
		seen |= field
		return ok
	})
	if !ok {
		return false
	}
	if p.Key == "" {
		p.Key = p.ID
	}
	check(p, func(string, string) { ok = false })
	return ok
}

type fieldSet uint

const (
	idField fieldSet = 1 << iota
	keyField
	rolesField
	attrField
	kindField
	delegationField
	versionField
	scopeField
	groupsField
)

func (r *lineReader) field(p *authz.Principal, key, value []byte) (field fieldSet, ok bool) {
	switch string(key) {
	case "id":
		p.ID, ok = unquote(value)
		return idField, ok
	case "key":
		p.Key, ok = unquote(value)
		return keyField, ok
	case "roles":
		p.Roles, ok = r.list(value)
		return rolesField, ok
	case "attr":
		p.Attr, ok = r.attr(value)
		return attrField, ok
	case "kind":
		name, ok := r.name(value)
		kind, err := parseKind(name)
		p.Kind, p.KindDeclared = kind, true
		return kindField, ok && err == nil
	case "onBehalfOf":
		p.OnBehalfOf, ok = r.name(value)
		return delegationField, ok
	case "policyVersion":
		p.PolicyVersion, ok = r.name(value)
		return versionField, ok
	case "scope":
		p.Scope, ok = r.name(value)
		return scopeField, ok
	case "groups":
		p.Groups, ok = r.list(value)
		return groupsField, ok
	}
	return 0, false
}

func (r *lineReader) name(value []byte) (string, bool) {
	if s, ok := r.names[string(value)]; ok {
		return s, true
	}
	s, ok := unquote(value)
	if ok {
		r.names.put(string(value), s)
	}
	return s, ok
}

func (r *lineReader) list(value []byte) ([]string, bool) {
	if list, ok := r.lists[string(value)]; ok {
		return list, true
	}
	n, err := source.ParseJSON("", value)
	if err != nil || !n.Is(source.Sequence) {
		return nil, false
	}
	list := make([]string, len(n.Items))
	for i, item := range n.Items {
		if !item.Is(source.String) {
			return nil, false
		}
		list[i] = item.Text
	}
	r.lists.put(string(value), list)
	return list, true
}

func (r *lineReader) attr(value []byte) (map[string]any, bool) {
	if attr, ok := r.attrs[string(value)]; ok {
		return attr, true
	}
	if value[0] != '{' {
		return nil, false
	}
	attr := map[string]any{}
	ok := members(value, func(key, value []byte) bool {
		name, isCached := r.names[string(key)]
		if !isCached {
			name = string(key)
			r.names.put(name, name)
		}
		if _, twice := attr[name]; twice || name == "" {
			return false
		}
		v, ok := r.value(value)
		attr[name] = v
		return ok
	})
	if ok {
		r.attrs.put(string(value), attr)
	}
	return attr, ok
}

func (r *lineReader) value(value []byte) (any, bool) {
	switch value[0] {
	case '"':
		return r.name(value)
	case 't':
		return true, true
	case 'f':
		return false, true
	case 'n':
		return nil, true
	case '{', '[':
		if v, ok := r.values[string(value)]; ok {
			return v, true
		}
		n, err := source.ParseJSON("", value)
		if err != nil || len(checkValue(n)) > 0 {
			return nil, false
		}
		v := n.Value()
		r.values.put(string(value), v)
		return v, true
	}
	f, err := strconv.ParseFloat(string(value), 64)
	return f, err == nil
}

// unquote returns the text of a JSON string.
func unquote(value []byte) (string, bool) {
	if value[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), true
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err == nil
}

// members calls f for each member of an object, which is known to be valid
// JSON, until f gives up. It gives up itself on names with escapes and on deep
// nesting.
func members(object []byte, f func(key, value []byte) bool) bool {
	i := skipSpace(object, 1)
	for object[i] != '}' {
		end := stringEnd(object, i)
		key := object[i+1 : end-1]
		i = skipSpace(object, end) // the colon
		i = skipSpace(object, i+1)
		end = valueEnd(object, i)
		if end < 0 || bytes.IndexByte(key, '\\') >= 0 || !f(key, object[i:end]) {
			return false
		}
		i = skipSpace(object, end)
		if object[i] == ',' {
			i = skipSpace(object, i+1)
		}
	}
	return true
}

func skipSpace(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n' {
		i++
	}
	return i
}

// stringEnd returns the offset behind the string that starts at i.
func stringEnd(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// maxScanDepth is where valueEnd gives up. It is below source.MaxDepth, so
// that what is too deep is refused there, with its position.
const maxScanDepth = source.MaxDepth / 2

// valueEnd returns the offset behind the value that starts at i, or -1.
func valueEnd(b []byte, i int) int {
	depth := 0
	for {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			for i++; !endsScalar(b[i]); i++ {
			}
		}
		if depth == 0 {
			return i
		}
		if depth > maxScanDepth {
			return -1
		}
	}
}

func endsScalar(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ':', '{', '}', '[', ']', '"':
		return true
	}
	return false
}
