package lint_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestLooseTextsHold lints tests of texts at random, in ALLOW rules and turned round in DENY
// rules. Each call that is shown is within the inputSchema, and the engine allows it. What
// the schema bounds, or the condition closes, is not reported.
func TestLooseTextsHold(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	shown, silent, closed, decisions := 0, 0, 0, 0
	for seed := range rounds.Of(3, 120) {
		r := rand.New(rand.NewPCG(91, uint64(seed))) //nolint:gosec // a small number
		tools, files := looseTextWorld(t, r)
		w, err := load(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		list, err := findings(t.Context(), files, "loose-text-check")
		if err != nil {
			t.Fatal(err)
		}
		reported := map[string]bool{}
		for _, f := range list {
			tool := tools[slices.IndexFunc(tools, func(x textTool) bool { return strings.HasSuffix(f.Policy, "#"+x.name) })]
			reported[tool.name] = true
			shown++
			decisions++
			if !tool.schema.Allows(f.Witness.Arguments) {
				t.Errorf("%s: the inputSchema refuses %v", tool.condition, f.Witness.Arguments)
			}
			d, err := w.engine.Decide(t.Context(), []authz.Request{{
				Principal: w.principals[0], Action: "tools/call::" + f.Witness.Name, Resource: authz.Resource{
					Kind: "mcp_server", ID: f.Witness.Name, Attr: map[string]any{"tool_name": f.Witness.Name, "source": "client", "arguments": f.Witness.Arguments},
				},
			}})
			if err != nil {
				t.Fatal(err)
			}
			if d[0].Effect != authz.Allow {
				t.Errorf("%s: the engine denies %v", tool.condition, f.Witness.Arguments)
			}
			if tool.closed {
				t.Errorf("%s is closed, and %v is shown: %s", tool.condition, f.Witness.Arguments, f.Message)
			}
		}
		for _, tool := range tools {
			switch {
			case reported[tool.name]:
			case tool.closed:
				closed++
			default:
				silent++
			}
		}
	}
	t.Logf("%d shown, %d silent, %d closed and silent, %d decisions", shown, silent, closed, decisions)
	if shown < 10 || closed < 10 {
		t.Error("too little is shown, or closed")
	}
}

// A textTool is a tool that may be called with some texts.
type textTool struct {
	name, condition string
	schema          *witness.Schema
	closed          bool // no text passes that is not meant
}

// atRandom returns one of a list.
func atRandom[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// looseTextWorld has tools with a text each that a rule tests.
func looseTextWorld(t *testing.T, r *rand.Rand) ([]textTool, fstest.MapFS) {
	t.Helper()
	var tools []textTool
	var inventory []map[string]any
	var rules strings.Builder
	for i := range 16 {
		name := atRandom(r, "path", "url", "email", "host", "owner", "ticket", "filename")
		tool := textTool{name: fmt.Sprintf("t%d", i)}
		schema := fmt.Sprintf(`{"type": "object", "required": [%q], "properties": {%q: {"type": "string"}, "n": {"type": "number"}}}`, name, name)
		tool.condition = textCondition(r, "R.attr.arguments."+name)
		switch r.IntN(4) {
		case 0:
			tool.condition = fmt.Sprintf("(%s) && R.attr.arguments.%s.matches(%q)", tool.condition, name, `^[0-9]{1,5}$`)
			tool.closed = true
		case 1:
			schema = strings.Replace(schema, `{"type": "string"}`, `{"type": "string", "enum": ["/srv/a", "https://corp.example/", "a@corp.example", "acme", "INC-1"]}`, 1)
			tool.closed = true
		}
		n, err := source.ParseJSON("schema.json", []byte(schema))
		if err != nil {
			t.Fatal(err)
		}
		tool.schema = witness.NewSchema(n)
		tools = append(tools, tool)
		inventory = append(inventory, map[string]any{"name": tool.name, "inputSchema": json.RawMessage(schema)})
		if r.IntN(3) > 0 {
			fmt.Fprintf(&rules, "    - {name: t%d, actions: [\"tools/call::t%d\"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: %q}}}\n", i, i, tool.condition)
			continue
		}
		fmt.Fprintf(&rules, "    - {name: open%d, actions: [\"tools/call::t%d\"], effect: EFFECT_ALLOW, roles: [A]}\n", i, i)
		fmt.Fprintf(&rules, "    - {name: t%d, actions: [\"tools/call::t%d\"], effect: EFFECT_DENY, roles: [A], condition: {match: {expr: %q}}}\n", i, i, "!("+tool.condition+")")
	}
	text, err := json.Marshal(map[string]any{"tools": inventory})
	if err != nil {
		t.Fatal(err)
	}
	return tools, fstest.MapFS{
		"manifest.json":   {Data: text},
		"principals.yaml": {Data: []byte("principals:\n  bob: {id: bob, roles: [A], attr: {home: /home/bob}}\n")},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + rules.String())},
	}
}

// textCondition is one test of a text, or several.
func textCondition(r *rand.Rand, place string) string {
	place = atRandom(r, place, place, place+".lowerAscii()")
	constant := atRandom(r, "/srv/reports/", "/srv/reports", "https://api.corp.example", "https://corp.example/", "corp.example", "@corp.example", ".corp.example", "acme", "acme/", "INC-", ".pdf", "a")
	test := fmt.Sprintf("%s.%s(%q)", place, atRandom(r, "startsWith", "endsWith", "contains"), constant)
	switch r.IntN(6) {
	case 0:
		test = fmt.Sprintf("%s.matches(%q)", place, atRandom(r, "", "^")+regexp.QuoteMeta(constant)+atRandom(r, "", "[a-z]+", ".*")+atRandom(r, "", "$"))
	case 1:
		test = place + ".startsWith(P.attr.home)"
	}
	switch r.IntN(5) {
	case 0:
		return test + " && " + textCondition(r, place)
	case 1:
		return test + " || " + atRandom(r, "R.attr.arguments.n < 3.0", place+` == "a"`)
	case 2:
		return test + " && " + atRandom(r, "R.attr.arguments.n < 3.0", "!"+place+`.contains("..")`)
	}
	return test
}
