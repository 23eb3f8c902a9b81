package coaz_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
)

// describe says on one line what a point does, and asks by default mappings.
func describe(t *testing.T, o coaz.Outcome) string {
	t.Helper()
	switch o.Kind {
	case coaz.Asked:
		e := o.Evaluations[0]
		part := func(name, key string) any { return e[name].(map[string]any)[key] }
		context, err := json.Marshal(e["context"])
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%v %v: %v on %v %v %s", part("subject", "type"), part("subject", "id"), part("action", "name"), part("resource", "type"), part("resource", "id"), context)
	case coaz.Passed:
		return "passed"
	case coaz.Refused, coaz.Unknown:
	}
	return fmt.Sprintf("%v %d: %v", o.Kind, o.Code, o.Cause)
}

func TestDefaultMappings(t *testing.T) {
	token := map[string]any{"sub": "s", "aud": "https://a", "client_id": "c", "roles": []any{"admin"}}
	with := func(key string, v any) map[string]any {
		changed := map[string]any{"sub": "s", "aud": "https://a"}
		if changed[key] = v; v == nil {
			delete(changed, key)
		}
		return changed
	}
	tests := []struct {
		point         coaz.Point
		method        string
		params, token map[string]any
		want          string
	}{
		{coaz.Point{}, "initialize", map[string]any{"protocolVersion": "2025-11-25"}, token, `identity s: initialize on mcp_server https://a {"agent":"c","protocol_version":"2025-11-25"}`},
		{coaz.Point{}, "initialize", nil, token, `refused -32602: context.protocol_version: params.protocolVersion: no such key: protocolVersion`},
		{coaz.Point{}, "tools/list", nil, token, `identity s: tools/list on mcp_server https://a {"agent":"c"}`},
		{coaz.Point{}, "tools/list", nil, with("aud", []any{"https://a"}), `identity s: tools/list on mcp_server https://a {}`},
		{coaz.Point{}, "tasks/list", nil, with("aud", []any{"https://a", "https://b"}), `unknown 0: the token has several audiences, and which of them is this server is not known`},
		{coaz.Point{Server: "https://b"}, "tasks/list", nil, with("aud", []any{"https://a", "https://b"}), `identity s: tasks/list on mcp_server https://b {}`},
		{coaz.Point{}, "prompts/list", nil, with("aud", nil), `refused -32602: the token has no audience that names the server`},
		{coaz.Point{}, "resources/list", nil, with("aud", []any{}), `refused -32602: the token has no audience that names the server`},
		{coaz.Point{}, "resources/list", nil, with("sub", nil), `refused -32602: subject.id: the token has no claim "sub"`},
		{coaz.Point{}, "resources/list", nil, map[string]any{"sub": nil, "aud": "a"}, `refused -32602: subject.id: it is absent or null`},
		{coaz.Point{Subject: "user"}, "tools/list", nil, with("user", "u"), `identity u: tools/list on mcp_server https://a {}`},
		{coaz.Point{}, "logging/setLevel", map[string]any{"level": "info"}, token, `identity s: logging/setLevel on mcp_server https://a {"agent":"c","level":"info"}`},
		{coaz.Point{}, "tools/call", map[string]any{"name": "t", "arguments": map[string]any{"a": 1.0}}, with("aud", nil), `identity s: tools/call on tool t {}`},
		{coaz.Point{}, "tools/call", nil, token, `refused -32602: resource.id: params.name: no such key: name`},
		{coaz.Point{}, "resources/read", map[string]any{"uri": "x://y"}, token, `identity s: resources/read on resource x://y {"agent":"c"}`},
		{coaz.Point{}, "resources/unsubscribe", map[string]any{"uri": "x://y"}, token, `identity s: resources/unsubscribe on resource x://y {"agent":"c"}`},
		{coaz.Point{}, "prompts/get", map[string]any{"name": "p"}, token, `identity s: prompts/get on prompt p {"agent":"c"}`},
		{coaz.Point{}, "tasks/cancel", map[string]any{"taskId": "7"}, token, `identity s: tasks/cancel on task 7 {"agent":"c"}`},
		{coaz.Point{}, "completion/complete", map[string]any{"ref": map[string]any{"type": "ref/prompt", "name": "p"}}, token, `identity s: completion/complete on prompt p {"agent":"c"}`},
		{coaz.Point{}, "completion/complete", map[string]any{"ref": map[string]any{"type": "ref/resource", "uri": "x://{id}"}}, token, `identity s: completion/complete on resource x://{id} {"agent":"c"}`},
		{coaz.Point{}, "ping", nil, nil, "passed"},
		{coaz.Point{}, "notifications/progress", nil, nil, "passed"},
		{coaz.Point{}, "resources/templates/list", nil, token, "refused -32001: the binding has no mapping for resources/templates/list"},
		{coaz.Point{}, "server/discover", nil, token, "refused -32001: the binding has no mapping for server/discover"},
	}
	for _, tt := range tests {
		if got := describe(t, tt.point.Resolve(nil, tt.method, tt.params, tt.token)); got != tt.want {
			t.Errorf("%s of %v:\n got %s\nwant %s", tt.method, tt.params, got, tt.want)
		}
	}
	if len(coaz.Methods()) != len(slices.Compact(coaz.Methods())) || !slices.IsSorted(coaz.Methods()) {
		t.Error(coaz.Methods())
	}
}

func TestDeclaredMappings(t *testing.T) {
	const several = `{"evaluations": {"action": {"name": "a"}, "resource": {"type": "t", "id": "$params.arguments.id", "properties": {"x": 1}}, "context": {"c": 1},
		"evaluations": [{}, {"resource": {"type": "u", "id": "i"}, "context": {}}, {"action": {"name": "b"}}]}}`
	tests := map[string]struct {
		mapping string
		id      any // the argument
		want    string
	}{
		"several": {several, "i1", `[{"action":{"name":"a"},"context":{"c":1},"resource":{"id":"i1","properties":{"x":1},"type":"t"},"subject":{"id":"s","type":"identity"}},` +
			`{"action":{"name":"a"},"context":{},"resource":{"id":"i","type":"u"},"subject":{"id":"s","type":"identity"}},` +
			`{"action":{"name":"b"},"context":{"c":1},"resource":{"id":"i1","properties":{"x":1},"type":"t"},"subject":{"id":"s","type":"identity"}}]`},
		"null":          {several, nil, "refused -32602: resource.id: it is absent or null\nresource.id: it is absent or null"},
		"absent id":     {withID(`"$params.?nothing"`), "i", "refused -32602: resource.id: it is absent or null"},
		"absent":        {withProperty(`"$token.?nothing"`), "i", `[{"action":{"name":"a"},"resource":{"id":"i","properties":{},"type":"t"},"subject":{"id":"s","type":"identity"}}]`},
		"values":        {withProperty(`["$$", {"a": null}]`), "i", "unknown 0: resource.properties.p: a text with a leading $ in a list: it depends on the implementation"},
		"escape":        {withProperty(`"$$5"`), "i", `[{"action":{"name":"a"},"resource":{"id":"i","properties":{"p":"$5"},"type":"t"},"subject":{"id":"s","type":"identity"}}]`},
		"below":         {withProperty(`{"a": {"b": "$1 + 1", "$c": [1, {"d": null}]}}`), "i", `[{"action":{"name":"a"},"resource":{"id":"i","properties":{"p":{"a":{"$c":[1,{"d":null}],"b":2}}},"type":"t"},"subject":{"id":"s","type":"identity"}}]`},
		"infinity":      {withProperty(`"$1.0 / 0.0"`), "i", "refused -32602: resource.properties.p: 1.0 / 0.0: it comes to no number that JSON has"},
		"a time":        {withProperty(`"$duration('1s')"`), "i", "unknown 0: resource.properties.p: duration('1s'): it depends on the implementation"},
		"a large int":   {withProperty(`"$9007199254740993"`), "i", "unknown 0: resource.properties.p: 9007199254740993: it depends on the implementation"},
		"own subject":   {evaluation(`, "subject": {"id": "$token.aud"}`), "i", `[{"action":{"name":"a"},"resource":{"id":"i","type":"t"},"subject":{"id":"me","type":"identity"}}]`},
		"unknown key":   {evaluation(`, "x": {"y": 1}`), "i", `[{"action":{"name":"a"},"resource":{"id":"i","type":"t"},"subject":{"id":"s","type":"identity"},"x":null}]`},
		"no text":       {withID(`"$token.aud.size()"`), "i", `[{"action":{"name":"a"},"resource":{"id":2,"type":"t"},"subject":{"id":"s","type":"identity"}}]`},
		"no such":       {withID(`"$token.nothing"`), "i", "refused -32602: resource.id: token.nothing: no such key: nothing"},
		"not an object": {`{"evaluation": {"action": {"name": "a"}, "resource": "$params.arguments.id"}}`, "i", `[{"action":{"name":"a"},"resource":"i","subject":{"id":"s","type":"identity"}}]`},
		"malformed":     {`{"evaluation": 1}`, "i", "refused -32602: evaluation: want a mapping, have a number"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, _ := coaz.Parse(schema(t, tt.mapping)) // its mistakes are TestMistakes' business
			o := coaz.Point{}.Resolve(m, "tools/call", map[string]any{"name": "x", "arguments": map[string]any{"id": tt.id}}, map[string]any{"sub": "s", "aud": "me"})
			got := fmt.Sprintf("%v %d: %v", o.Kind, o.Code, o.Cause)
			if o.Kind == coaz.Asked {
				text, err := json.Marshal(o.Evaluations)
				if err != nil {
					t.Fatal(err)
				}
				got = string(text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSubjectClaim reads $token.sub as the claim that the point goes by, as the id of the
// subject and nowhere else.
func TestSubjectClaim(t *testing.T) {
	m, err := coaz.Parse(schema(t, evaluation(`, "subject": {"id": "$token['sub']", "properties": {"agent": "$token.sub"}}`)))
	if err != nil {
		t.Fatal(err)
	}
	o := coaz.Point{Subject: "user"}.Resolve(m, "tools/call", map[string]any{"arguments": map[string]any{"id": "i"}}, map[string]any{"sub": "bot", "user": "eva"})
	if got := fmt.Sprint(o.Evaluations[0]["subject"]); got != "map[id:eva properties:map[agent:bot] type:identity]" {
		t.Error(got)
	}
}

// TestMistypedFails makes expressions in which everything is evaluated. What is called
// mistyped fails with all arguments that the inputSchema allows.
func TestMistypedFails(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 8))
	leaves := []string{"params.arguments.id", "params.arguments.n", "params.arguments.b", "params.arguments.two", "params.arguments.any", "params.arguments.o", "params.arguments.?n", "1", "2.5", "3u", "'a'", "true", "null", "[1]", "{'a': 1}"}
	var expression func(depth int) string
	expression = func(depth int) string {
		if depth == 0 || r.IntN(4) == 0 {
			return leaves[r.IntN(len(leaves))]
		}
		x := func() string { return expression(depth - 1) }
		switch r.IntN(12) {
		case 0:
			return "size(" + x() + ")"
		case 1:
			return "string(" + x() + ")"
		case 2:
			return "int(" + x() + ")"
		case 3:
			return "(" + x() + ").startsWith(" + x() + ")"
		case 4:
			return "!(" + x() + ")"
		case 5:
			return "-(" + x() + ")"
		case 6:
			return "[" + x() + ", " + x() + "]"
		case 7:
			return "(" + x() + ")[" + x() + "]"
		}
		operators := []string{"+", "-", "*", "/", "%", "<", ">=", "==", "!=", "in"}
		return "(" + x() + ") " + operators[r.IntN(len(operators))] + " (" + x() + ")"
	}
	allowed := func() map[string]any {
		pick := func(list ...any) any { return list[r.IntN(len(list))] }
		a := map[string]any{"id": pick("", "a", "7"), "n": pick(0.0, 1.0, -3.0, 1e6), "b": pick(true, false), "any": pick(nil, 1.0, "a", []any{}), "two": pick(nil, "a"), "o": map[string]any{"x": 1.0}}
		return a
	}
	mistyped, other := 0, 0
	for range rounds.Of(1500, 60_000) {
		text := expression(3)
		m, err := coaz.Parse(schema(t, withProperty(fmt.Sprintf("%q", "$"+text))))
		if err == nil || !strings.Contains(err.Error(), "fails for what") {
			other++
			continue
		}
		mistyped++
		for range 5 {
			arguments := allowed()
			o := coaz.Point{}.Resolve(m, "tools/call", map[string]any{"arguments": arguments}, map[string]any{"sub": "s"})
			if o.Kind != coaz.Refused {
				t.Fatalf("%s is said to fail, and comes to %v with %v: %v", text, o.Evaluations, arguments, err)
			}
		}
	}
	if mistyped < rounds.Of(40, 2000) || other < 200 {
		t.Errorf("%d mistyped, %d others", mistyped, other)
	}
}
