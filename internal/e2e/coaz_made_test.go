//go:build e2e && linux && coaz

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/mcpolicy/mcpolicy/coaz"
)

// madeUp makes up a mapping and a request.
func madeUp(r *rand.Rand) resolution {
	c := resolution{Method: "tools/call", Params: params(r), Token: claims(r)}
	if r.IntN(10) == 0 {
		c.Method = one(r, append(coaz.Methods(), "server/discover", "resources/templates/list")...)
		return c
	}
	m := mappingOf(r)
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	c.Mapping = text
	return c
}

func params(r *rand.Rand) map[string]any {
	arguments := map[string]any{}
	for _, name := range []string{"a", "b", "n", "list", "object", "on"} {
		if r.IntN(10) > 0 {
			arguments[name] = argument(r, name)
		}
	}
	p := map[string]any{"name": "tool", "arguments": arguments, "uri": "harbour://tides", "level": "info", "taskId": "t-1", "protocolVersion": "2025-11-25"}
	p["ref"] = map[string]any{"type": one(r, "ref/prompt", "ref/resource"), "name": "n", "uri": "u"}
	for _, name := range []string{"name", "arguments", "uri", "level", "ref"} {
		if r.IntN(30) == 0 {
			delete(p, name)
		}
	}
	return p
}

func argument(r *rand.Rand, name string) any {
	if r.IntN(15) == 0 {
		return []any{nil, true, 7.0, "", []any{}, map[string]any{}}[r.IntN(6)]
	}
	switch name {
	case "n":
		return []any{0.0, 1.0, 2.5, -3.0, 1234567.0, 1e21, 9007199254740993.0, 100.0}[r.IntN(8)]
	case "list":
		return []any{[]any{}, []any{"a", "b"}, []any{1.0, 2.0}, []any{"a", 1.0, nil, []any{"a"}}}[r.IntN(4)]
	case "object":
		return []any{map[string]any{}, map[string]any{"x": "a"}, map[string]any{"x": 1.0, "y": map[string]any{"x": "z"}}}[r.IntN(3)]
	case "on":
		return r.IntN(2) == 0
	}
	return one(r, "", "a", "b", "ada", "é", "1", "2.5", "$x", "true", "a/b")
}

func claims(r *rand.Rand) map[string]any {
	token := map[string]any{
		"sub": "ada", "aud": "https://harbour.example/mcp", "client_id": "desk", "groups": []any{"pilot", "clerk"}, "limit": 100.0,
		"org": map[string]any{"name": "harbour", "level": 3.0},
	}
	for _, name := range []string{"sub", "aud", "client_id", "groups", "limit", "org"} {
		switch r.IntN(20) {
		case 0:
			delete(token, name)
		case 1:
			token[name] = argument(r, one(r, "a", "n", "list", "object"))
			if _, isList := token[name].([]any); isList && name == "aud" {
				token[name] = []any{"https://harbour.example/mcp"}
			}
		}
	}
	return token
}

func mappingOf(r *rand.Rand) any {
	part := func(keys ...string) map[string]any {
		m := map[string]any{}
		for _, k := range keys {
			if r.IntN(40) > 0 {
				m[k] = leaf(r, true)
			}
		}
		if r.IntN(2) == 0 {
			m["properties"] = map[string]any{"x": leaf(r, false), "y": map[string]any{"x": leaf(r, true)}}
		}
		return m
	}
	body := func() map[string]any {
		m := map[string]any{}
		if r.IntN(20) > 0 {
			m["action"] = part("name")
		}
		if r.IntN(20) > 0 {
			m["resource"] = part("type", "id")
		}
		if r.IntN(2) == 0 {
			m["context"] = map[string]any{"x": leaf(r, false)}
		}
		return m
	}
	top := body()
	switch r.IntN(3) {
	case 0:
		top["subject"] = part("type", "id")
	case 1:
		top["subject"] = map[string]any{"id": "$token.sub", "properties": map[string]any{"cerbos.roles": leaf(r, false)}}
	}
	switch r.IntN(20) {
	case 0:
		return top
	case 1:
		return map[string]any{"evaluation": top, "evaluations": top}
	case 2, 3, 4, 5, 6:
		entries := []any{}
		for range r.IntN(4) {
			e := body()
			if r.IntN(20) == 0 {
				e["subject"] = map[string]any{"id": "$token.sub"}
			}
			entries = append(entries, e)
		}
		top["evaluations"] = entries
		if r.IntN(4) == 0 {
			top["options"] = map[string]any{"evaluations_semantic": "permit_on_first_permit"}
		}
		return map[string]any{"evaluations": top}
	}
	return map[string]any{"evaluation": top}
}

// leaf makes up a value of a mapping; one that should be a text is one more often.
func leaf(r *rand.Rand, text bool) any {
	switch n := r.IntN(12); {
	case n == 0:
		return one(r, "a", "", "$$", "$$5", "a$b", "tool")
	case n == 1 && !text:
		return []any{nil, true, 5.0, 2.5, []any{"a", 1.0}, []any{}, map[string]any{}}[r.IntN(7)]
	case text && n < 11:
		return "$" + celText(r, 1)
	}
	return "$" + celAny(r, 2)
}

func celText(r *rand.Rand, depth int) string {
	if depth == 0 {
		return one(r, "token.sub", "params.arguments.a", "params.arguments.b", "params.name", "'lit'", "token.client_id")
	}
	d := depth - 1
	switch r.IntN(9) {
	case 0:
		return fmt.Sprintf("%s + %s", celText(r, d), celText(r, d))
	case 1:
		return fmt.Sprintf("(%s ? %s : %s)", celBool(r, d), celText(r, d), celText(r, d))
	case 2:
		return fmt.Sprintf("string(%s)", celNumber(r, d))
	case 3:
		return fmt.Sprintf("string(int(%s))", celNumber(r, d))
	case 4:
		return fmt.Sprintf("params.arguments.?%s.orValue(%s)", one(r, "a", "b", "zz"), celText(r, d))
	case 5:
		return fmt.Sprintf("token.groups[%s]", one(r, "0", "0", "0", "1", "1", "5"))
	case 6:
		return fmt.Sprintf("token[?%q].orValue('none')", one(r, "sub", "zz"))
	}
	return celText(r, 0)
}

func celNumber(r *rand.Rand, depth int) string {
	if depth == 0 {
		return one(r, "params.arguments.n", "token.limit", "1.0", "2.5", "token.org.level", "100.0", one(r, "7", "3u", "params.arguments.list.size()", "1e21"))
	}
	d := depth - 1
	switch r.IntN(5) {
	case 0:
		return fmt.Sprintf("(%s %s %s)", celNumber(r, d), one(r, "+", "-", "*", "/", "+", "%"), celNumber(r, d))
	case 1:
		return fmt.Sprintf("%s(%s)", one(r, "int", "double", "uint", "-"), celNumber(r, d))
	case 2:
		return fmt.Sprintf("size(%s)", celText(r, d))
	}
	return celNumber(r, 0)
}

func celBool(r *rand.Rand, depth int) string {
	if depth == 0 {
		return one(r, "params.arguments.on", "has(params.arguments.a)", "has(token.org.name)", "true", "'pilot' in token.groups", "'x' in params.arguments.object")
	}
	d := depth - 1
	switch r.IntN(10) {
	case 0:
		return fmt.Sprintf("(%s && %s)", celBool(r, d), celBool(r, d))
	case 1:
		return fmt.Sprintf("(%s || %s)", celBool(r, d), celBool(r, d))
	case 2:
		return fmt.Sprintf("!%s", celBool(r, d))
	case 3:
		return fmt.Sprintf("(%s %s %s)", celNumber(r, d), one(r, "<", "<=", ">", ">=", "==", "!="), celNumber(r, d))
	case 4:
		return fmt.Sprintf("(%s %s %s)", celText(r, d), one(r, "==", "!=", "<", ">="), celText(r, d))
	case 5:
		return fmt.Sprintf("%s.%s(%s)", celText(r, d), one(r, "startsWith", "endsWith", "contains", "matches"), celText(r, d))
	case 6:
		return fmt.Sprintf("%s.%s(x, %s)", one(r, "token.groups", "params.arguments.list"), one(r, "exists", "all", "exists_one"), one(r, "x == 'a'", "x != token.sub", "x == 1.0", "x.size() > 0", "x > 'b'"))
	case 7:
		return fmt.Sprintf("(%s == %s)", celAny(r, d), celAny(r, d))
	}
	return celBool(r, 0)
}

func celAny(r *rand.Rand, depth int) string {
	if depth == 0 {
		return one(r, "params.arguments", "token", "params.arguments.list", "params.arguments.object", "null", "token.?zz", "token.?groups",
			"params.arguments.?n", "params.?arguments.?object.?x", "optional.none()", "optional.of(1.0)", "params", one(r, "x", "", "1 +", "params.arguments.object.x"), "token.groups[?0]", "[]", "{}", "params.arguments.n", "token.groups", "token.org", "1.5")
	}
	d := depth - 1
	switch r.IntN(14) {
	case 0:
		return fmt.Sprintf("[%s, %s]", celAny(r, d), celAny(r, d))
	case 1:
		return fmt.Sprintf("{'k': %s, ?'o': %s}", celAny(r, d), one(r, "token.?zz", "token.?sub", "params.arguments.?n"))
	case 2:
		return fmt.Sprintf("(%s ? %s : %s)", celBool(r, d), celAny(r, d), celAny(r, d))
	case 3:
		return fmt.Sprintf("%s.map(x, %s)", one(r, "token.groups", "params.arguments.list"), one(r, "x", "string(x)", "[x]", "x == 'a'"))
	case 4:
		return fmt.Sprintf("%s.filter(x, %s)", one(r, "token.groups", "params.arguments.list"), one(r, "x == 'a'", "x > 'b'", "true", "x > 1.0"))
	case 5, 6:
		return celNumber(r, d)
	case 7, 8:
		return celBool(r, d)
	case 9, 10:
		return celText(r, d)
	case 11:
		return fmt.Sprintf("[?%s, %s]", one(r, "token.?zz", "token.?sub", "optional.of('a')"), celAny(r, d))
	}
	return celAny(r, 0)
}
