package solver_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// Leaves of generated conditions. @ is an argument or an attribute of any type, # one that
// is mostly a number, $ a text, % a list.
var someLeaves = []string{
	`@ == 1`, `@ != "a"`, `@ == null`, `@ == true`, `@`, `has(@)`, `@ == @`, `@ != @`, `@ in ["a", 1, true]`, `@ in [@, "b"]`, `!(@ == "b")`,
	`# > 1`, `# <= 2.5`, `# < #`, `# >= # `, `# == 2`, `# > 1 && # < 2`, `# in [1, 2, 3]`, `# > 9007199254740993`, `# < 0.1`,
	`$ == "ab"`, `$.startsWith("a")`, `$.endsWith("b")`, `$.contains("ab")`, `$.matches("^a+$")`, `$.matches("[0-9]{2}")`, `$ < "b"`, `$ <= $`,
	`size($) > 2`, `$.size() == 1`, `$.lowerAscii() == "ab"`, `$.upperAscii().startsWith("A")`, `$ == $`, `$ != ""`, `"abc".contains($)`,
	`"a" in %`, `$ in %`, `%.exists(e, e == "a")`, `%.all(e, e.startsWith("a"))`, `%.exists_one(e, e == "b")`, `size(%) > 1`, `size(%) == 0`,
	`%.exists(e, e == $)`, `%.all(e, e in ["a", "b"])`, `hasIntersection(%, ["a", "c"])`, `%.exists(e, e > 1)`, `%[0] == "a"`, `%.filter(e, e == "a").size() >= 2`,
	`P.id == "ada"`, `$ == P.id`, `P.id in %`, `P.attr.owner.name == $`, `R.attr.arguments.o.k == 1`, `has(R.attr.arguments.o.k)`, `R.attr.arguments.o == null`,
	`R.attr.arguments.l.exists(e, e.n > 1 && e.s == "a")`, `# + 1.0 > 2.0`, `timestamp($) < timestamp("2026-01-01T00:00:00Z")`, `timestamp($) > timestamp($)`,
	`R.attr.arguments.?x.orValue(3) > 2`, `(# > 1 ? $ == "a" : @)`, `R.id == "tool"`, `size(P.roles) == 1`, `"R" in P.roles`, `type(@) == string`,
}

var someProperties = map[string][]string{
	"x": {`{}`, `{"type": "number"}`, `{"type": "integer", "minimum": 0, "maximum": 3}`, `{"type": ["number", "null"]}`, `{"enum": [1, 2, "a"]}`, `{"type": "number", "exclusiveMinimum": 1}`},
	"y": {`{}`, `{"type": "number"}`, `{"type": "integer"}`, `{"type": "string"}`, `{"const": 2}`},
	"s": {`{}`, `{"type": "string"}`, `{"type": "string", "minLength": 2}`, `{"enum": ["a", "ab", "b"]}`, `{"type": "string", "pattern": "^[a-c]*$"}`, `{"type": "string", "maxLength": 1}`, `{"type": "string", "format": "date-time"}`},
	"t": {`{}`, `{"type": "string"}`, `{"enum": ["b", "c"]}`, `{"anyOf": [{"type": "string"}, {"type": "null"}]}`},
	"l": {
		`{}`, `{"type": "array"}`, `{"type": "array", "items": {"type": "string"}}`, `{"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2}`,
		`{"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}, "s": {"type": "string"}}, "required": ["n"]}}`, `{"type": "array", "minItems": 1, "uniqueItems": true}`,
	},
	"o": {`{}`, `{"type": "object"}`, `{"type": "object", "properties": {"k": {"type": "integer"}}, "required": ["k"]}`, `{"type": "object", "additionalProperties": false}`},
}

func pickOne(r *rand.Rand, list ...string) string { return list[r.IntN(len(list))] }

// someCondition writes a condition of a few leaves.
func someCondition(r *rand.Rand) string {
	fill := map[string]func() string{
		"@": func() string {
			return pickOne(r, "R.attr.arguments.x", "R.attr.arguments.s", "R.attr.arguments.y", "P.attr.p", "R.attr.arguments.l")
		},
		"#": func() string { return pickOne(r, "R.attr.arguments.x", "R.attr.arguments.y", "P.attr.n") },
		"$": func() string { return pickOne(r, "R.attr.arguments.s", "R.attr.arguments.t", "P.attr.p") },
		"%": func() string { return pickOne(r, "R.attr.arguments.l", "P.attr.list") },
	}
	var parts []string
	for range 1 + r.IntN(4) {
		leaf := pickOne(r, someLeaves...)
		var b strings.Builder
		quoted := false
		for _, c := range leaf {
			if c == '"' {
				quoted = !quoted
			}
			if f := fill[string(c)]; f != nil && !quoted {
				b.WriteString(f())
			} else {
				b.WriteRune(c)
			}
		}
		leaf = "(" + b.String() + ")"
		if r.IntN(4) == 0 {
			leaf = "!" + leaf
		}
		parts = append(parts, leaf)
	}
	text := parts[0]
	for _, p := range parts[1:] {
		text = "(" + text + pickOne(r, " && ", " && ", " || ") + p + ")"
	}
	return text
}

func someSchema(t *testing.T, r *rand.Rand) *source.Node {
	t.Helper()
	if r.IntN(4) == 0 {
		return nil
	}
	properties, required := map[string]json.RawMessage{}, []string{}
	for name, options := range someProperties {
		if r.IntN(4) > 0 {
			properties[name] = json.RawMessage(pickOne(r, options...))
		}
		if r.IntN(2) == 0 {
			required = append(required, name)
		}
	}
	text, err := json.Marshal(map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": r.IntN(3) > 0})
	if err != nil {
		t.Fatal(err)
	}
	n, err := source.ParseJSON("schema.json", text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func someValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(12); {
	case n == 0:
		return nil
	case n == 1:
		return r.IntN(2) == 0
	case n < 5:
		return []float64{0, 1, 1.5, 2, 2.5, 3, -1, 9007199254740992, 0.05}[r.IntN(9)]
	case n < 9:
		return pickOne(r, "", "a", "b", "ab", "aa", "abb", "AB", "c", "12", "2025-06-01T00:00:00Z", "2026-06-01T00:00:00Z", "ada", "zz")
	case n < 11 && depth > 0:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, someValue(r, depth-1))
		}
		return list
	case depth > 0:
		m := map[string]any{}
		for _, name := range []string{"k", "n", "s", "name"} {
			if r.IntN(2) == 0 {
				m[name] = someValue(r, depth-1)
			}
		}
		return m
	}
	return "a"
}

func someObject(r *rand.Rand, names ...string) map[string]any {
	m := map[string]any{}
	for _, name := range names {
		if r.IntN(4) > 0 {
			m[name] = someValue(r, 2)
		}
	}
	return m
}

// TestAnswersHold puts random requests to the engine: what is impossible is met by none, and
// what is possible is met by its witness, within the schema.
func TestAnswersHold(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	t.Parallel()
	e := engine(t)
	counts := map[string]int{}
	for seed := range rounds.Of(25, 3000) {
		r := rand.New(rand.NewPCG(uint64(seed), 14)) //nolint:gosec // a test
		text, schema := someCondition(r), someSchema(t, r)
		now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
		open := authz.Request{
			Principal: &authz.Principal{Key: "somebody", ID: "somebody", Roles: []string{"R"}},
			Resource:  authz.Resource{Kind: "mcp_server", ID: "tool"}, Action: "call", Unknown: []string{"arguments"}, AnyPrincipal: true,
		}
		world := &solver.World{Requests: []authz.Request{open}, Arguments: []any{asJSON(schema)}, Now: &now}
		answers := map[solver.Outcome]solver.Answer{}
		leaves := e
		for _, to := range []solver.Outcome{solver.Met, solver.Unmet, solver.Errored} {
			a, err := solver.New(leaves).Solve(t.Context(), world, []solver.Goal{{Formula: solver.Expr(text), To: solver.Only(to)}})
			if err != nil {
				t.Fatalf("seed %d: %s: %v", seed, text, err)
			}
			answers[to] = a
			counts[a.Verdict.String()]++
			if a.Verdict == solver.Possible {
				if is := evaluated(t, leaves, text, a.Requests[:1])[0]; is != to {
					t.Errorf("seed %d: %s comes to %v, not %v, for %v", seed, text, is, to, a.Requests[0])
				}
			}
		}
		whole := witness.NewSchema(schema)
		var requests []authz.Request
		for range rounds.Of(300, 2500) {
			request := open
			arguments := someObject(r, "x", "y", "s", "t", "l", "o")
			if whole.Known() && !whole.Allows(arguments) {
				continue
			}
			request.Unknown, request.AnyPrincipal = nil, false
			request.Resource.Attr = map[string]any{"arguments": arguments}
			request.Principal = &authz.Principal{Key: "somebody", ID: pickOne(r, "ada", "a", "somebody"), Roles: []string{"R"}, Attr: someObject(r, "p", "n", "list", "owner")}
			requests = append(requests, request)
		}
		for i, is := range evaluated(t, leaves, text, requests) {
			if answers[is].Verdict == solver.Impossible {
				at, _ := json.Marshal([]any{requests[i].Resource.Attr, requests[i].Principal.Attr, requests[i].Principal.ID}) //nolint:errchkjson // JSON values
				t.Errorf("seed %d: %s never comes to %v, and does for %s; schema %v", seed, text, is, at, schema.Value())
				break
			}
		}
	}
	t.Log(counts)
	if counts["impossible"] == 0 || counts["possible"] == 0 {
		t.Errorf("nothing is shown: %v", counts)
	}
}

// evaluated returns what an expression comes to for requests.
func evaluated(t *testing.T, e solver.Evaluator, text string, requests []authz.Request) []solver.Outcome {
	t.Helper()
	trials := make([]solver.Trial, len(requests))
	for i := range requests {
		trials[i] = solver.Trial{Request: &requests[i], Now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}
	}
	outcomes, err := e.Evaluate(t.Context(), []string{text}, trials)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

func asJSON(n *source.Node) any {
	if n == nil {
		return nil
	}
	return n.Value()
}
