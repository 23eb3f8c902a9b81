//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
)

// harmless is a call that everybody may make.
var harmless = request{"tools/call", `{"name": "find_ship", "arguments": {"name": "Ada"}}`}

// TestGatewayToken holds that the token comes before everything else, and that
// claims of which no question can be made are refused, and no denial.
func TestGatewayToken(t *testing.T) {
	t.Parallel()
	dir := copied(t, gateDir)
	rewrite(t, filepath.Join(dir, "principals.yaml"), change{new: `principals:
  hana: {id: hana, roles: [master]}
  pelle: {id: pelle, roles: [pilot], attr: {sub: null}}
  rosa: {id: rosa, roles: [clerk], attr: {sub: 7}}
  kim: {id: "", roles: [clerk]}
  otto: {id: otto, roles: [visitor], attr: {aud: ["https://quay.example"]}}
`})
	pdp := cerbosbin.Start(t, filepath.Join(dir, "policies"), nil)
	s := serve(t, python(t, "coaz"), dir, pdp, harbourPeople)
	strangers(t, s)
	for _, r := range []request{harmless, {"ping", "{}"}, {"server/discover", "{}"}} {
		for _, token := range []string{"", "wrong"} {
			if got := send(t, s, token, r.text()).decision(); got != "401" {
				t.Errorf("%s with token %q: %s", r.method, token, got)
			}
		}
	}
	for _, test := range []struct {
		r    request
		want []string
	}{
		{harmless, []string{"passed", "-32602", "-32602", "-32602", "passed"}},
		{request{"prompts/list", "{}"}, []string{"passed", "-32602", "-32602", "-32602", "-32602"}},
		{request{"ping", "{}"}, []string{"passed", "passed", "passed", "passed", "passed"}},
	} {
		if diff := cmp.Diff(test.want, test.r.decided(t, s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.r.method, diff)
		}
	}
}

// TestGatewayOutage holds that a PDP that is gone, or hangs, or is none, refuses
// with a code that is no denial, and that nothing runs.
func TestGatewayOutage(t *testing.T) {
	t.Parallel()
	dir := copied(t, gateDir)
	pdp := cerbosbin.Start(t, filepath.Join(dir, "policies"), nil)
	proxy := cerbosbin.NewProxy(t, "127.0.0.1:0", pdp.HTTPAddr)
	s := serve(t, python(t, "coaz"), dir, &cerbosbin.Server{Addr: pdp.Addr, HTTPAddr: proxy.Addr}, harbourPeople)
	runs := func(want int) {
		t.Helper()
		if got := s.ran(t)["find_ship"]; got != want {
			t.Errorf("the tool has run %d times, want %d", got, want)
		}
	}
	all := func(r request, want string) {
		t.Helper()
		for _, got := range r.decided(t, s) {
			if got != want {
				t.Errorf("%s: %s, want %s", r.method, got, want)
			}
		}
	}
	all(harmless, "passed")
	runs(len(harbourPeople))
	for _, fault := range []func(){proxy.Cut, proxy.Hang} {
		fault()
		if got := harmless.as(t, s, "hana").decision(); got != "-32603" {
			t.Errorf("without a PDP: %s", got)
		}
	}
	proxy.Cut()
	all(harmless, "-32603")
	all(request{"tools/list", "{}"}, "-32603")
	all(request{"tools/call", "{}"}, "-32602")      // there is nothing to ask
	all(request{"server/discover", "{}"}, "-32001") // nobody is asked
	all(request{"ping", "{}"}, "passed")
	runs(len(harbourPeople))
	for _, answer := range []string{"", "<html>", "{}", "[]", "null", `{"decision": "true"}`, `{"decision": 1}`, `{"decision": null}`} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })) // who asked may be gone
		proxy.To(strings.TrimPrefix(other.URL, "http://"))
		if got := harmless.as(t, s, "hana").decision(); got != "-32603" {
			t.Errorf("the PDP answers %q: %s", answer, got)
		}
		other.Close()
	}
	runs(len(harbourPeople))
	proxy.To(pdp.HTTPAddr)
	all(harmless, "passed")
	runs(2 * len(harbourPeople))
}

// TestGatewayHostileRequest holds that the gateway answers what nobody sends by
// mistake, lets nothing of it do what is denied, and goes on.
func TestGatewayHostileRequest(t *testing.T) {
	t.Parallel()
	s, _ := gateway(t)
	learn(t, s, "hana")
	call := func(params string) string { return request{"tools/call", params}.text() }
	nested := func(n int) string {
		return call(`{"name": "find_ship", "arguments": {"name": ` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`)
	}
	long := strings.Repeat("a", 3<<20)
	for _, test := range []struct{ name, body, want string }{
		{"nested", nested(90), "passed"},
		{"nested deeply", nested(500), "-32602"},
		{"nested very deeply", nested(200_000), "-32700"},
		{"a long text", call(`{"name": "find_ship", "arguments": {"name": "` + long + `"}}`), "passed"},
		{"a long name", call(`{"name": "` + long + `"}`), "-32001"},
		{"a long id", call(`{"name": "assign_berth", "arguments": {"berth": "` + long + `", "length": 1}}`), "passed"},
		{"too long", call(`{"name": "find_ship", "arguments": {"name": "` + long + long + `"}}`), "-32600"},
		{"many arguments", call(`{"name": "find_ship", "arguments": {` + strings.TrimSuffix(many(50_000), ",") + `}}`), "passed"},
		{"a surrogate", call(`{"name": "find_ship\ud800"}`), "-32602"},
		{"a surrogate as an id", call(`{"name": "assign_berth", "arguments": {"berth": "\ud800", "length": 1}}`), "-32602"},
		{"no number", call(`{"name": "assign_berth", "arguments": {"berth": "dock-1", "length": NaN}}`), "-32700"},
		{"a large number", call(`{"name": "assign_berth", "arguments": {"berth": "dock-1", "length": 1e999}}`), "-32700"},
		{"a long number", call(`{"name": "assign_berth", "arguments": {"berth": "dock-1", "length": 1` + strings.Repeat("0", 400) + `}}`), "-32602"},
		{"a very long number", call(`{"name": "assign_berth", "arguments": {"berth": "dock-1", "length": 1` + strings.Repeat("0", 5000) + `}}`), "-32700"},
		{"params twice", `{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "find_ship"}, "params": {"name": "scrap_ship", "arguments": {"name": "Ada"}}}`, "-32001"},
		{"the name twice", call(`{"name": "scrap_ship", "name": "find_ship", "arguments": {"name": "Ada"}}`), "passed"},
		{"the method twice", `{"jsonrpc": "2.0", "id": 1, "method": "ping", "method": "tools/call", "params": {"name": "scrap_ship", "arguments": {"name": "Ada"}}}`, "-32001"},
		{"no id", `{"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "scrap_ship", "arguments": {"name": "Ada"}}}`, "-32001"},
		{"a notification with an id", request{"notifications/initialized", "{}"}.text(), "-32001"},
		{"an answer with a method", `{"jsonrpc": "2.0", "id": 1, "result": {}, "method": "tools/call", "params": {"name": "scrap_ship", "arguments": {"name": "Ada"}}}`, "-32001"},
		{"several at once", "[" + call(`{"name": "scrap_ship", "arguments": {"name": "Ada"}}`) + "]", "-32600"},
		{"no object", `"tools/call"`, "-32600"},
		{"no method", `{"jsonrpc": "2.0", "id": 1}`, "-32600"},
		{"a method that is none", `{"jsonrpc": "2.0", "id": 1, "method": ["ping"]}`, "-32600"},
		{"params that are none", request{"tools/call", `[1]`}.text(), "-32602"},
		{"params that are null", request{"prompts/list", `null`}.text(), "-32602"},
		{"a name that is none", call(`{"name": {"a": 1}}`), "-32602"},
		{"no JSON", `{"jsonrpc": `, "-32700"},
		{"nothing", ``, "-32700"},
	} {
		if got := send(t, s, token("pelle"), test.body); got.code() != test.want {
			t.Errorf("%s: %s, want %s", test.name, got.code(), test.want)
		}
	}
	if runs := s.ran(t); runs["scrap_ship"] > 0 {
		t.Errorf("tools have run: %v", runs)
	}
	if got := harmless.as(t, s, "otto").decision(); got != "passed" {
		t.Errorf("afterwards: %s", got)
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"a%d": %d,`, i, i)
	}
	return b.String()
}

// TestGatewayHostileMapping holds that a mapping of which nothing can be made
// refuses its own tool, for everybody, and nothing else.
func TestGatewayHostileMapping(t *testing.T) {
	t.Parallel()
	const resource = `"resource": {"type": "tool", "id": "find_ship"}`
	id := func(expression string) string {
		return fmt.Sprintf(`{"evaluation": {"action": {"name": "tools/call"}, "resource": {"type": "tool", "id": "find_ship", "properties": {"x": %q}}}}`, expression)
	}
	fine := `{"evaluation": {"action": {"name": "tools/call"}, ` + resource + `}}`
	mappings := map[string]struct{ mapping, want string }{
		"fine":             {fine, "passed"},
		"fine_twice":       {`{"evaluations": {"action": {"name": "tools/call"}, "evaluations": [{` + resource + `}, {` + resource + `}]}}`, "passed"},
		"fine_optional":    {id("$token.?nothing"), "passed"},
		"fine_comment":     {id("$token.?nothing // nothing"), "passed"},
		"text":             {`"$token"`, "-32602"},
		"list":             {`[` + fine + `]`, "-32602"},
		"empty":            {`{}`, "-32602"},
		"both":             {`{"evaluation": {}, "evaluations": {}}`, "-32602"},
		"other_key":        {`{"search": {}}`, "-32602"},
		"no_resource":      {`{"evaluation": {"action": {"name": "tools/call"}}}`, "-32602"},
		"null_id":          {`{"evaluation": {"action": {"name": "tools/call"}, "resource": {"type": "tool", "id": null}}}`, "-32602"},
		"absent_id":        {`{"evaluation": {"action": {"name": "tools/call"}, "resource": {"type": "tool", "id": "$token.?nothing"}}}`, "-32602"},
		"absent_subject":   {`{"evaluation": {"subject": {"id": "$token.?nothing"}, "action": {"name": "tools/call"}, ` + resource + `}}`, "-32602"},
		"unknown_key":      {`{"evaluation": {"action": {"name": "tools/call"}, "roles": [], ` + resource + `}}`, "-32602"},
		"subject_in_entry": {`{"evaluations": {"action": {"name": "tools/call"}, "evaluations": [{"subject": {"id": "hana"}, ` + resource + `}]}}`, "-32602"},
		"no_entries":       {`{"evaluations": {"action": {"name": "tools/call"}, ` + resource + `, "evaluations": []}}`, "-32602"},
		"one_denied": {`{"evaluations": {"options": {"evaluations_semantic": "permit_on_first_permit"}, "action": {"name": "tools/call"},
			"evaluations": [{` + resource + `}, {"resource": {"type": "tool", "id": "shift_ship"}}]}}`, "-32001"},
		"no_cel":        {id("$("), "-32602"},
		"dollar":        {id("$"), "-32602"},
		"other_name":    {id("$principal.id"), "-32602"},
		"integer":       {id("$params.arguments.size() + 1.0"), "-32602"},
		"no_json":       {id("$timestamp('2026-01-01T00:00:00Z')"), "-32602"},
		"no_json_bytes": {id("$b'a'"), "-32602"},
		"not_finite":    {id("$1.0 / 0.0"), "-32602"},
		"number_keys":   {id("${1: 2}"), "-32602"},
		"loops":         {id("$" + loops("params.list", 4)), "-32602"},
		"nested":        {id("$" + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000)), "-32602"},
		"long":          {id("$'" + strings.Repeat("a", 100_000) + "'"), "-32602"},
		"deep":          {`{"evaluation": {"action": {"name": "tools/call"}, ` + resource + `, "context": ` + strings.Repeat(`{"a":`, 150) + "1" + strings.Repeat("}", 150) + `}}`, "-32602"},
	}
	var tools []string
	for name, m := range mappings {
		tools = append(tools, fmt.Sprintf(`{"name": %q, "inputSchema": {"type": "object", "x-authzen-mapping": %s}}`, name, m.mapping))
	}
	dir := copied(t, gateDir)
	file := filepath.Join(dir, "inventory.json")
	rewrite(t, file, change{new: `{"tools": [` + strings.Join(tools, ", ") + `], "resources": [], "resourceTemplates": [], "prompts": []}`})
	pdp := cerbosbin.Start(t, filepath.Join(dir, "policies"), nil)
	s := serve(t, python(t, "coaz"), dir, pdp, harbourPeople)
	learn(t, s, "hana")
	list, err := json.Marshal(make([]int, 200))
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for name, m := range mappings {
		want[name] = m.want
		got[name] = request{"tools/call", fmt.Sprintf(`{"name": %q, "arguments": {}, "list": %s}`, name, list)}.as(t, s, "hana").decision()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
	runs := maps.Clone(s.ran(t))
	for name := range runs {
		if want[name] != "passed" {
			t.Errorf("%s has run", name)
		}
	}
}

// loops is an expression that goes over a list within a list, again and again.
func loops(list string, n int) string {
	text := "true"
	for i := range n {
		text = fmt.Sprintf("%s.all(x%d, %s)", list, i, text)
	}
	return text
}

// TestGatewayResult holds that a gateway that answers denied calls with results
// does so for nothing else.
func TestGatewayResult(t *testing.T) {
	t.Parallel()
	s, _ := gateway(t, "DENIALS=result")
	learn(t, s, "hana")
	for _, test := range []struct {
		r    request
		want string
	}{
		{request{"tools/call", `{"name": "scrap_ship", "arguments": {"name": "Ada"}}`}, "result"},
		{request{"tools/call", `{"name": "weigh_cargo", "arguments": {"crate": 1}}`}, "-32602"},
		{request{"resources/read", `{"uri": "harbour://safe"}`}, "-32001"},
	} {
		r := test.r.as(t, s, "pelle")
		got := r.decision()
		if r.Error == nil && strings.Contains(string(r.Result), `"isError":true`) && strings.Contains(string(r.Result), "Access denied") {
			got = "result"
		}
		if got != test.want {
			t.Errorf("%s %s: %s, want %s: %s", test.r.method, test.r.params, got, test.want, r.Result)
		}
	}
}
