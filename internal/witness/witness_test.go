package witness_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// open compiles one conditional rule.
func open(ctx context.Context, match string) (*embedded.Engine, error) {
	text := `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  constants: {local: {limit: 5, colours: [red, green]}}
  variables: {local: {own: R.attr.arguments.x == P.attr.x, big: R.attr.arguments.n > C.limit}}
  rules:
    - {actions: [call], effect: EFFECT_ALLOW, roles: [A], condition: {match: ` + match + `}}
`
	return embedded.Open(ctx, fstest.MapFS{"p.yaml": {Data: []byte(text)}}, pdp.Options{Now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)})
}

var request = authz.Request{
	Principal: &authz.Principal{ID: "p", Roles: []string{"A"}}, Action: "call", Unknown: []string{"arguments"}, AnyPrincipal: true,
	Resource: authz.Resource{Kind: "mcp_server", ID: "t", Attr: map[string]any{"tool_name": "t"}},
}

// bind makes a candidate a request of which nothing is unknown.
func bind(c witness.Candidate) authz.Request {
	r := pep.Bind(request, c.Arguments)
	r.Principal, r.AnyPrincipal = c.Principal, false
	return r
}

func try(ctx context.Context, e *embedded.Engine, requests []authz.Request) ([]pdp.Outcome, error) {
	trials := make([]pdp.Trial, len(requests))
	for i, r := range requests {
		trials[i] = pdp.Trial{Condition: e.Conditions()[0], Request: r}
	}
	return e.Try(ctx, trials)
}

func schemaOf(tb interface{ Fatal(...any) }, text string) *witness.Schema {
	if text == "" {
		return nil
	}
	n, err := source.ParseJSON("schema.json", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return witness.NewSchema(n)
}

var (
	atoms = []string{
		`R.attr.arguments.x == "a"`, `R.attr.arguments.x != "b"`, `R.attr.arguments.x in ["a", "b"]`, `R.attr.arguments.x == P.attr.x`,
		`R.attr.arguments.n > 5`, `R.attr.arguments.n <= 3`, `R.attr.arguments.n < 4`, `R.attr.arguments.n == 4`, `R.attr.arguments.n >= P.attr.n`,
		`has(R.attr.arguments.x)`, `has(R.attr.arguments.n)`, `has(P.attr.x)`, `P.attr.x == "a"`, `P.attr.x in ["a", "c"]`, `P.attr.flag`,
		`R.attr.arguments.flag`, `R.attr.arguments.flag == true`, `R.attr.arguments.x in P.attr.list`, `"a" in P.attr.list`, `"b" in P.attr.list`,
		`size(P.attr.list) > 1`, `P.attr.list.size() == 0`, `R.attr.arguments.y.startsWith("a")`, `R.attr.arguments.y.endsWith("b")`,
		`R.attr.arguments.y.contains("ab")`, `R.attr.arguments.y.startsWith("ab")`, `R.attr.arguments.y == "ab"`, `R.attr.arguments.z.matches("^[a-c]{2}$")`,
		`R.attr.arguments.s < "b"`, `R.attr.arguments.s >= "a"`, `size(R.attr.arguments.w) > 3`, `R.attr.arguments.w.size() <= 2`, `R.attr.arguments.o.k == 1`,
		`has(R.attr.arguments.o.k)`, `has(R.attr.arguments.o)`, `R.attr.tool_name == "t"`, `R.attr.tool_name == "u"`, `R.attr.unsent == 1`, `V.own`, `V.big`,
		`R.attr.arguments.x in C.colours`, `P.id == "p"`, `P.id != "p"`, `R.attr.arguments.x == null`, `R.attr.arguments.n == R.attr.arguments.m`,
		`R.attr.arguments.n + 1 == 3`, `R.attr.arguments.x.lowerAscii() == "a"`, `P.attr.list.exists(e, e == R.attr.arguments.x)`, `true`, `false`,
	}
	schemas = []string{
		"", `{"type": "object"}`, `{}`,
		`{"type": "object", "properties": {"x": {"enum": ["a", "b"]}, "n": {"type": "integer", "minimum": 0, "maximum": 5}, "flag": {"type": "boolean"}}, "required": ["x"]}`,
		`{"type": "object", "properties": {"x": {"type": "string"}, "n": {"type": "number", "exclusiveMinimum": 3}, "y": {"const": "ab"}, "s": {"type": ["string", "null"]}}, "required": ["n", "y"], "additionalProperties": false}`,
		`{"type": "object", "properties": {"x": {"type": "string", "pattern": "^[bc]$"}, "o": {"type": "object", "properties": {"k": {"type": "integer"}}, "required": ["k"]}, "w": {"type": "string", "minLength": 3}}, "required": ["q"]}`,
		`{"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 7}, "m": {"type": "integer"}, "x": {"anyOf": [{"const": "a"}, {"type": "null"}]}}}`,
	}
)

func expression(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
		return rapid.SampledFrom(atoms).Draw(t, "atom")
	}
	switch rapid.SampledFrom([]string{"and", "and", "or", "not", "if"}).Draw(t, "op") {
	case "and":
		return "(" + expression(t, depth-1) + " && " + expression(t, depth-1) + ")"
	case "or":
		return "(" + expression(t, depth-1) + " || " + expression(t, depth-1) + ")"
	case "not":
		return "!(" + expression(t, depth-1) + ")"
	}
	return "(" + expression(t, depth-1) + " ? " + expression(t, depth-1) + " : " + expression(t, depth-1) + ")"
}

func match(t *rapid.T, depth int) string {
	if depth == 0 || rapid.Bool().Draw(t, "plain") {
		return fmt.Sprintf("{expr: %q}", expression(t, 2))
	}
	var of []string
	for range rapid.IntRange(1, 3).Draw(t, "n") {
		of = append(of, match(t, depth-1))
	}
	return fmt.Sprintf("{%s: {of: [%s]}}", rapid.SampledFrom([]string{"all", "any", "none"}).Draw(t, "match"), strings.Join(of, ", "))
}

var anyValue = rapid.SampledFrom([]any{
	"a", "b", "c", "ab", "abc", "aab", "bb", "", "xyzw", 0.0, 1.0, 2.0, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, true, false, nil,
	[]any{},
	[]any{"a"},
	[]any{"a", "b"},
	[]any{"b", 1.0, "c"},
	map[string]any{},
	map[string]any{"k": 1.0},
	map[string]any{"k": "a"},
	map[string]any{"a": 1.0},
})

func values(t *rapid.T, names string) map[string]any {
	m := map[string]any{}
	for name := range strings.FieldsSeq(names) {
		if rapid.IntRange(0, 4).Draw(t, "present") > 0 {
			m[name] = anyValue.Draw(t, name)
		}
	}
	return m
}

// TestClaims holds what is claimed of a condition against a plain decision of
// a policy of its own, and against requests at random.
func TestClaims(t *testing.T) {
	claims := 0
	rapid.Check(t, func(t *rapid.T) {
		condition := match(t, 1)
		e, err := open(t.Context(), condition)
		if err != nil {
			t.Skip(err) // a random condition may be refused for a type error
		}
		schema := schemaOf(t, rapid.SampledFrom(schemas).Draw(t, "schema"))
		if len(e.Conditions()) == 0 {
			t.Skip("no condition")
		}
		q := witness.Search{Parts: e.Conditions()[0].Parts, Request: request, Schema: schema}
		found := q.Candidates()
		list := slices.Collect(found.Each)
		var requests []authz.Request
		for _, c := range list {
			requests = append(requests, bind(c))
		}
		outcomes, err := try(t.Context(), e, requests)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := open(t.Context(), condition)
		if err != nil {
			t.Fatal(err)
		}
		decisions, err := plain.Decide(t.Context(), requests)
		if err != nil {
			t.Fatal(err)
		}
		var any, within [3]bool
		for i, o := range outcomes {
			any[o] = true
			within[o] = within[o] || list[i].Within
			if list[i].Within != schema.Allows(list[i].Arguments) {
				t.Fatalf("within is %v for %v", list[i].Within, list[i].Arguments)
			}
			if (o == pdp.Met) != (decisions[i].Effect == authz.Allow) {
				t.Fatalf("%s: tried as %v, decided as %v, for %v", condition, o, decisions[i].Effect, list[i])
			}
		}
		if !found.All && !found.AllWithin {
			return
		}
		claims++
		requests = requests[:0]
		var allowed []bool
		for range 100 {
			p := authz.Principal{ID: rapid.SampledFrom([]string{"p", "q"}).Draw(t, "id"), Roles: []string{"A"}, Attr: values(t, "x n flag list")}
			arguments := values(t, "x n flag y z s w o m q")
			requests = append(requests, bind(witness.Candidate{Principal: &p, Arguments: arguments}))
			allowed = append(allowed, schema.Allows(arguments))
		}
		outcomes, err = try(t.Context(), e, requests)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range outcomes {
			if found.All && !any[o] {
				t.Fatalf("%s: claimed never to be %v, but is for %v and %v", condition, o, requests[i].Principal, requests[i].Resource.Attr)
			}
			if found.AllWithin && allowed[i] && !within[o] {
				t.Fatalf("%s: claimed never to be %v within the schema, but is for %v and %v", condition, o, requests[i].Principal, requests[i].Resource.Attr)
			}
		}
	})
	if claims == 0 {
		t.Error("nothing was ever claimed")
	}
}

// TestComplete holds that what can plainly be enumerated is.
func TestComplete(t *testing.T) {
	for _, c := range []struct {
		condition, schema    string
		met, unmet, errored  bool
		complete, withinOnly bool
	}{
		{condition: `R.attr.arguments.region == P.attr.region`, met: true, unmet: true, errored: true, complete: true},
		{condition: `R.attr.arguments.n > 5 && R.attr.arguments.n < 5`, unmet: true, errored: true, complete: true},
		{condition: `R.attr.arguments.n > 5 && R.attr.arguments.n < 6`, met: true, unmet: true, errored: true, complete: true},
		{condition: `has(R.attr.arguments.x) || !has(R.attr.arguments.x)`, met: true, complete: true},
		{condition: `R.attr.arguments.y.startsWith("a") && R.attr.arguments.y.endsWith("b") && !R.attr.arguments.y.contains("c")`, met: true, unmet: true, errored: true, complete: true},
		{condition: `R.attr.arguments.y.matches("^[A-Z]{3}-[0-9]+$")`, met: true, unmet: true, errored: true, complete: true},
		{condition: `"admin" in P.attr.groups && !("guest" in P.attr.groups)`, met: true, unmet: true, errored: true, complete: true},
		{condition: `size(R.attr.arguments.ids) <= 10`, met: true, unmet: true, errored: true, complete: true},
		{condition: `size(R.attr.arguments.ids) > 1000`, unmet: true, errored: true},
		{condition: `R.attr.arguments.region == "LATAM"`, schema: `{"properties": {"region": {"enum": ["EMEA", "APAC"]}}}`, unmet: true, errored: true, complete: true, withinOnly: true},
		{condition: `R.attr.arguments.n > 10`, schema: `{"properties": {"n": {"type": "integer", "maximum": 10}}, "required": ["n"]}`, unmet: true, complete: true, withinOnly: true},
		{condition: `R.attr.arguments.x.lowerAscii() == "a"`, met: true, unmet: true, errored: true},
	} {
		e, err := open(t.Context(), fmt.Sprintf("{expr: %q}", c.condition))
		if err != nil {
			t.Fatal(err)
		}
		q := witness.Search{Parts: e.Conditions()[0].Parts, Request: request, Schema: schemaOf(t, c.schema)}
		found := q.Candidates()
		var got [3]bool
		for candidate := range found.Each {
			if c.withinOnly && !candidate.Within {
				continue
			}
			o, err := try(t.Context(), e, []authz.Request{bind(candidate)})
			if err != nil {
				t.Fatal(err)
			}
			got[o[0]] = true
		}
		complete := found.All
		if c.withinOnly {
			complete = found.AllWithin
		}
		if want := [3]bool{c.unmet, c.met, c.errored}; got != want || complete != c.complete {
			t.Errorf("%s: unmet, met, errored are %v, want %v; complete %v", c.condition, got, want, complete)
		}
	}
}
