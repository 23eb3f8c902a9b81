package celgen

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// The constants that conditions, schemas and requests are made of.
var (
	texts   = []string{"a", "b", "ab", "abc", "red", "Red", "bob", "move", "stop", "1", "2.5", "", "a/b"}
	numbers = []string{"0", "1", "2", "2.5", "3", "5", "-1", "1000000000000000000.0"}
	times   = []string{"2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-07-01T12:00:00Z", "2019-05-05T01:02:03Z", "2h", "not a time"}
)

// Value returns a JSON value of some type.
func (s *Source) Value() any { return s.value(2) }

func (s *Source) value(depth int) any {
	kinds := 10
	if depth == 0 {
		kinds = 7
	}
	switch s.IntN(kinds) {
	case 0, 1:
		return s.someText()
	case 2, 3:
		return s.someNumber()
	case 4, 5:
		return s.IntN(2) == 0
	case 6:
		return nil
	case 7, 8:
		list := []any{}
		for range s.IntN(4) {
			list = append(list, s.value(depth-1))
		}
		return list
	default:
		m := map[string]any{}
		for range s.IntN(3) {
			m[s.pick("a", "b", "n", "k", "move", "red")] = s.value(depth - 1)
		}
		return m
	}
}

func (s *Source) someText() string {
	switch s.IntN(8) {
	case 0:
		return s.pick(texts...) + s.pick(texts...)
	case 1:
		return s.pick(times...)
	case 2:
		return s.pick("~", "zz", "other", " ", "\x00")
	}
	return s.pick(texts...)
}

func (s *Source) someNumber() float64 {
	f, err := strconv.ParseFloat(s.pick(numbers...), 64)
	if err != nil {
		panic(err)
	}
	return f + pickAny(s, []float64{0, 0, 0, 1, -1, 0.5, -0.25, 1e15, -1e15})
}

func (s *Source) list() []any {
	list := []any{}
	for range s.IntN(4) {
		if s.IntN(6) == 0 {
			list = append(list, s.value(1))
			continue
		}
		list = append(list, s.someText())
	}
	return list
}

// typed returns a value for a place, mostly of the type that its name stands for.
func (s *Source) typed(name string) any {
	if s.IntN(6) == 0 {
		return s.Value()
	}
	switch name {
	case "n", "m":
		return s.someNumber()
	case "f", "g":
		return s.IntN(2) == 0
	case "l":
		return s.list()
	case "o":
		return s.Attributes("a n f l k")
	case "t":
		return s.pick(times...)
	}
	return s.someText()
}

// Attributes returns a mapping with some of the names, each a letter.
func (s *Source) Attributes(names string) map[string]any {
	m := map[string]any{}
	for _, r := range names {
		if r != ' ' && s.IntN(6) > 0 {
			m[string(r)] = s.typed(string(r))
		}
	}
	return m
}

// Arguments returns the arguments of a call.
func (s *Source) Arguments() map[string]any { return s.Attributes("a b n m f g l o t") }

// ID returns the id of a principal.
func (s *Source) ID() string { return s.pick("bob", "a", "ann", "move", "red", "~") }

// Name returns the name of a tool.
func (s *Source) Name() string {
	return s.pick(Tool, Tool, "stop", "a", "ab", "red", "Red", "zz", "bob")
}

// Schema returns the text of an inputSchema, or "" for none.
func (s *Source) Schema() string {
	if s.IntN(4) == 0 {
		return ""
	}
	properties := map[string]any{}
	var required []string
	for _, name := range []string{"a", "b", "n", "m", "f", "g", "l", "o", "t"} {
		if s.IntN(4) == 0 {
			continue
		}
		properties[name] = s.property(name)
		if s.IntN(2) == 0 {
			required = append(required, name)
		}
	}
	return s.object(properties, required)
}

func (s *Source) object(properties map[string]any, required []string) string {
	m := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		m["required"] = required
	}
	switch s.IntN(6) {
	case 0:
		m["additionalProperties"] = false
	case 1:
		m["minProperties"] = s.IntN(3)
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (s *Source) property(name string) any {
	p := map[string]any{}
	switch name {
	case "n", "m":
		p["type"] = s.pick("number", "integer")
		for _, key := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
			if s.IntN(6) == 0 {
				p[key] = pickAny(s, []float64{0, 1, 2.5, 3, 5})
			}
		}
	case "f", "g":
		p["type"] = "boolean"
	case "l":
		p["type"] = "array"
		maps.Copy(p, pickAny(s, []map[string]any{{}, {"items": map[string]any{"type": "string"}}, {"maxItems": 2}, {"minItems": 1, "items": map[string]any{"enum": []string{"a", "b"}}}}))
	case "o":
		p["type"] = "object"
		maps.Copy(p, pickAny(s, []map[string]any{
			{},
			{"properties": map[string]any{"a": map[string]any{"enum": []string{"a", "red"}}, "n": map[string]any{"type": "integer"}}, "required": []string{"a"}},
			{"properties": map[string]any{"a": map[string]any{"type": "string"}, "z": map[string]any{"type": "string", "pattern": "^q+$"}}, "required": []string{"z"}, "additionalProperties": false},
			{"maxProperties": 1},
		}))
	default:
		p["type"] = "string"
		maps.Copy(p, pickAny(s, []map[string]any{{}, {}, {"enum": []string{"a", "b", "ab"}}, {"const": "red"}, {"pattern": "^[ab]"}, {"minLength": 2}, {"maxLength": 1}, {"format": "date-time"}}))
	}
	switch s.IntN(8) {
	case 0:
		return map[string]any{"anyOf": []any{p, map[string]any{"type": "null"}}}
	case 1:
		if t, ok := p["type"].(string); ok {
			p["type"] = slices.Compact([]string{t, s.pick("null", "string")})
		}
	case 2:
		return map[string]any{}
	}
	return p
}
