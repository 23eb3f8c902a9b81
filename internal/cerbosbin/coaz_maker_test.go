package cerbosbin_test

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// A mappingMaker makes mappings, tokens and parameters. Most of them make sense for the
// policies of fixtures/coaz.
type mappingMaker struct {
	*rand.Rand
	sane bool // it makes none of the rare mistakes
}

// declaredArguments are those of the arguments that are always of one type.
var declaredArguments = jsonObject{
	"object": jsonObject{"type": "string"}, "to": jsonObject{"type": "string"}, "courier": jsonObject{"type": "string"},
	"weeks": jsonObject{"type": "integer"}, "weight": jsonObject{"type": "number"}, "insured": jsonObject{"type": "boolean"},
}

type jsonObject = map[string]any

func pick[T any](m mappingMaker, list []T) T { return list[m.IntN(len(list))] }

// sometimes is one in so many.
func (m mappingMaker) sometimes(n int) bool { return (!m.sane || n < 12) && m.IntN(n) == 0 }

// odd is what may stand anywhere by mistake.
func (m mappingMaker) odd() any {
	return pick(m, []any{
		nil, true, 7, 1.5, "", "x", "$", "$$", "$$5", "$token.sub", "$token", "$params", "$params.arguments", "$token.nothing", "$token.?nothing",
		"$params.arguments.?weight", "$params.arguments.weight", "$1", "$1u", "$null", "$''", "$params.arguments.weight + 1", "$token.sub +", "$duration('1s')", "$b'x'",
		"$params.arguments.weeks", "$string(params.arguments.weeks)", "$string(int(params.arguments.weeks))", "$token.duties[0]", "$[1, 'a', null]",
		"$token.sub.lowerAscii()", "${'a': params.?name}", "${1: 2}", "${}", "$1.0 / 0.0", "$9007199254740993", "$optional.none()", "$optional.of(token.sub)",
		"$params.arguments.?object.orValue('o1')", "$[token.?sub]", "$token.sub.matches('a+')", "$token.sub.x",
		[]any{},
		[]any{"a", 1, nil},
		[]any{"$token.sub"},
		jsonObject{},
		jsonObject{"": 1},
		jsonObject{"a": jsonObject{"b": "$token.?limit"}},
		jsonObject{"more": "$token.sub"},
	})
}

// or returns one of the values, and an odd one now and then.
func (m mappingMaker) or(odds int, list ...any) any {
	if m.sometimes(odds) {
		return m.odd()
	}
	return pick(m, list)
}

// with sets a key, now and then.
func (m mappingMaker) with(o jsonObject, odds int, key string, v any) {
	if m.sometimes(odds) {
		o[key] = v
	}
}

func (m mappingMaker) roles() any {
	return m.or(12, "$token.?duties", "$token.duties", "$token.duties", "$[token.duties[0]]", []any{"curator"}, []any{"", "porter", 1}, "curator", jsonObject{"a": "b"}, []any{})
}

func (m mappingMaker) cerbosKeys(properties jsonObject) {
	m.with(properties, 6, "cerbos.scope", m.or(4, "annex", "", "nowhere", "annex.deep", 1, "$params.arguments.house", "$params.arguments.?house", "no scope", "a..b"))
	m.with(properties, 8, "cerbos.policyVersion", m.or(4, "default", "next", "", 2, "last", "a b"))
}

func (m mappingMaker) subject() any {
	if m.sometimes(40) {
		return m.odd()
	}
	s, properties := jsonObject{}, jsonObject{}
	m.with(s, 2, "id", m.or(30, "$token.sub", "$token.sub", "$token['sub']", "rosa", "$params.arguments.object"))
	m.with(s, 3, "type", m.or(10, "identity", "curator", "porter", "$token.?kind.orValue('identity')"))
	if m.IntN(4) > 0 {
		properties["cerbos.roles"] = m.roles()
	}
	m.with(properties, 2, "limit", m.or(6, "$token.?limit", "$token.limit", 900))
	m.cerbosKeys(properties)
	m.with(s, 1, "properties", properties)
	m.with(s, 60, "properties", m.odd())
	m.with(s, 60, "identity", "x")
	return s
}

func (m mappingMaker) action() any {
	if m.sometimes(40) {
		return m.odd()
	}
	a := jsonObject{}
	if !m.sometimes(30) {
		a["name"] = m.or(30, "lend", "tag", "take_out", "bring_in", "$params.arguments.weeks > 26 ? 'lend_long' : 'lend'", "$params.name", "*")
	}
	m.with(a, 20, "properties", m.odd())
	m.with(a, 60, "type", "x")
	return a
}

func (m mappingMaker) resource() any {
	if m.sometimes(40) {
		return m.odd()
	}
	r, properties := jsonObject{}, jsonObject{}
	if !m.sometimes(30) {
		r["type"] = m.or(30, "object", "object", "room", "tool", "nothing", "object:x", "$params.name")
	}
	if !m.sometimes(30) {
		r["id"] = m.or(30, "$params.arguments.object", "$params.arguments.object", "$'no-' + string(int(params.arguments.weeks))", "o1", "$params.arguments.?to")
	}
	for _, name := range []string{"value", "weight", "courier", "other", "insured", "price"} {
		m.with(properties, 2, name, m.or(20, "$params.arguments.?"+name, "$params.arguments."+name, "$params.arguments.value <= 800", 20, "$$12"))
	}
	m.cerbosKeys(properties)
	m.with(r, 1, "properties", properties)
	m.with(r, 60, "properties", m.odd())
	m.with(r, 60, "attr", 1)
	return r
}

func (m mappingMaker) context() any {
	if m.sometimes(20) {
		return m.odd()
	}
	c := jsonObject{"agent": m.or(8, "$token.?client_id", "$token.client_id")}
	m.with(c, 20, "cerbos.auxData", m.or(2, nil, jsonObject{}, jsonObject{"jwt": jsonObject{"token": "x"}}, "x"))
	m.with(c, 20, "cerbos.includeMeta", true)
	return c
}

// parts sets some of the parts of an evaluation: with odds of one, nearly all of them.
func (m mappingMaker) parts(o jsonObject, odds int, subject bool) jsonObject {
	set := func(key string, v any) {
		if odds == 1 && !m.sometimes(30) || odds > 1 && m.sometimes(odds) {
			o[key] = v
		}
	}
	set("action", m.action())
	set("resource", m.resource())
	m.with(o, 2, "context", m.context())
	if subject {
		m.with(o, 1, "subject", m.subject())
	}
	m.with(o, 60, "more", 1)
	return o
}

func (m mappingMaker) mapping() any {
	switch n := m.IntN(20); {
	case m.sane && n < 3:
		return jsonObject{"evaluation": m.parts(jsonObject{}, 1, true)}
	case n == 0:
		return m.odd()
	case n == 1:
		return jsonObject{"evaluation": m.parts(jsonObject{}, 1, true), pick(m, []string{"evaluations", "search", "x"}): m.odd()}
	case n == 2:
		return m.parts(jsonObject{}, 1, true)
	case n < 6:
		list := []any{}
		for range m.IntN(4) {
			list = append(list, m.parts(jsonObject{}, 2, m.sometimes(12)))
		}
		body := m.parts(jsonObject{"evaluations": list}, 1, true)
		m.with(body, 8, "options", jsonObject{"evaluations_semantic": "permit_on_first_permit"})
		return jsonObject{"evaluations": body}
	}
	return jsonObject{"evaluation": m.parts(jsonObject{}, 1, !m.sometimes(5))}
}

func (m mappingMaker) params() jsonObject {
	arguments := jsonObject{}
	m.fill(arguments, 8, map[string][]any{
		"object": {"o1", "o2", "rosa", ""}, "to": {"r1", "o1"}, "weeks": {3.0, 30.0, 1234567.0}, "value": {20.0, 800.0, 25000.0, "20"}, "weight": {10.0, 60.0, -0.5},
		"courier": {"post", "own"}, "house": {"annex", "", 1.0}, "other": {"o1", nil}, "price": {"$12"}, "insured": {true, false},
		"number": {7.0, 1234567.0}, "from": {"r1", "r2"}, "room": {"r1"},
	})
	p := jsonObject{}
	m.fill(p, 30, map[string][]any{
		"name":      {"find_object", "find_object", "count_objects", "scrap_object", "lend", "tag", 1.0},
		"arguments": {arguments}, "uri": {"depot://plan", "depot://safe/codes"}, "taskId": {"t1"}, "level": {"info"}, "protocolVersion": {"2025-11-25"},
		"ref": {jsonObject{"type": "ref/prompt", "name": "loan_contract"}, jsonObject{"type": "ref/resource", "uri": "depot://object/{number}"}, jsonObject{"type": "x"}},
	})
	return p
}

func (m mappingMaker) token() jsonObject {
	t := jsonObject{}
	m.fill(t, 12, map[string][]any{
		"sub": {"rosa", "rosa", "timo", "timo", "vito", "uta", 7.0, ""}, "client_id": {"desk"}, "limit": {20000.0, 800.0, "800"}, "kind": {"porter", "identity"},
		"aud":    {"https://depot.example/mcp", []any{"https://depot.example/mcp"}, []any{"a", "b"}, "https://other.example"},
		"duties": {[]any{"curator"}, []any{"porter", "registrar"}, []any{"curator", "identity"}, "curator", []any{}, []any{"identity", 1.0}},
	})
	return t
}

// fill sets keys to one of their values, but for one in so many.
func (m mappingMaker) fill(o jsonObject, odds int, values map[string][]any) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !m.sometimes(odds) {
			o[name] = pick(m, values[name])
		}
	}
}

// spoil returns an evaluation with one part of it changed.
func (m mappingMaker) spoil(v any) any {
	o, isObject := v.(jsonObject)
	if !isObject || len(o) == 0 || m.sometimes(6) {
		return pick(m, []any{nil, true, 1, 1.5, "", "x", []any{}, []any{"a"}, jsonObject{}, jsonObject{"": 1}, jsonObject{"a": nil}, jsonObject{"jwt": 1}})
	}
	changed := jsonObject{}
	chosen := m.IntN(len(o))
	for i, key := range slices.Sorted(maps.Keys(o)) {
		switch {
		case i != chosen:
			changed[key] = o[key]
		case m.sometimes(5): // left out
		case m.sometimes(8):
			changed[pick(m, []string{"", "more", "type", "id", "cerbos.auxData", "cerbos.roles"})] = o[key]
		default:
			changed[key] = m.spoil(o[key])
		}
	}
	return changed
}
