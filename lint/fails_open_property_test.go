package lint_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestFailsOpenHolds lints DENY rules with conditions at random, beside a derived
// role that nearly always errs. For each that is said to fail open the engine has
// to find an error in the rule's own condition, without which it might be met, and to
// allow the witness. And of those for which requests at random show that, at most a few
// may be passed over: where the solver does not know.
func TestFailsOpenHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	worlds, found, shown, missed, decisions := rounds.Of(2, 30), 0, 0, 0, 0
	for seed := range worlds {
		f := failsOpenWorld(t, 2000+uint64(seed)) //nolint:gosec // a small number
		w, err := load(t.Context(), f.files)
		if err != nil {
			t.Fatal(err)
		}
		list, err := findings(t.Context(), f.files, "deny-fails-open")
		if err != nil {
			t.Fatal(err)
		}
		said := map[int]bool{}
		for _, x := range list {
			found++
			var i int
			if _, err := fmt.Sscanf(x.Policy, "resource.mcp_server.vdefault#deny%d", &i); err != nil {
				t.Fatal(err)
			}
			said[i] = true
			f.holds(t, w, i, &x)
		}
		for i := range f.conditions {
			errs, denies, n := f.tries(t, w, i, 200)
			decisions += n
			if errs == nil || denies == nil {
				continue
			}
			if shown++; !said[i] {
				missed++
				t.Logf("passed over: %s, with %v, and denied with %v\n%s", f.conditions[i], errs, denies, f.schemas[i])
			}
		}
	}
	t.Logf("%d worlds, %d findings; %d decisions at random show %d that fail open, of which %d are passed over", worlds, found, decisions, shown, missed)
	if found == 0 || shown == 0 {
		t.Error("nothing was ever said to fail open")
	}
	if 20*missed > shown {
		t.Errorf("%d of %d rules that fail open are passed over", missed, shown)
	}
}

// A failsOpenCase is a world with a tool for each condition, which all may call but for a
// DENY.
type failsOpenCase struct {
	files      fstest.MapFS
	source     *celgen.Source
	attr       map[string]any // of its principal
	conditions []deniedWhere
	schemas    []string
}

// A deniedWhere is the condition of a DENY.
type deniedWhere struct {
	op    string // all, any or none of the texts, or "" of one
	texts []string
}

// String is the condition as policies have it.
func (c deniedWhere) String() string {
	if c.op == "" {
		return fmt.Sprintf("{expr: %q}", c.texts[0])
	}
	list := make([]string, len(c.texts))
	for i, text := range c.texts {
		list[i] = fmt.Sprintf("{expr: %q}", text)
	}
	return fmt.Sprintf("{%s: {of: [%s]}}", c.op, strings.Join(list, ", "))
}

// comes says whether the condition is met, and whether it might be but for errors.
func (c deniedWhere) comes(t *testing.T, w *world, r authz.Request, rule string) (met, might bool) {
	t.Helper()
	of := make([]pdp.Expression, len(c.texts))
	for i, text := range c.texts {
		of[i] = pdp.Expression{Rule: rule, Text: text}
	}
	values, err := w.engine.Evaluate(t.Context(), r, of)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make([]solver.Outcome, len(values))
	for i, v := range values {
		switch {
		case v.Error != "":
			outcomes[i] = solver.Errored
		case v.V == true:
			outcomes[i] = solver.Met
		}
	}
	return c.is(outcomes, false), c.is(outcomes, c.op != "none")
}

// is says whether the condition is met where its expressions come to something, and what
// errs counts for met or not.
func (c deniedWhere) is(outcomes []solver.Outcome, erring bool) bool {
	n := 0
	for _, o := range outcomes {
		if o == solver.Met || o == solver.Errored && erring {
			n++
		}
	}
	switch c.op {
	case "any":
		return n > 0
	case "none":
		return n == 0
	}
	return n == len(outcomes)
}

func (f *failsOpenCase) request(i int, arguments map[string]any) authz.Request {
	name := fmt.Sprintf("t%d", i)
	return authz.Request{
		Principal: &authz.Principal{ID: "bob", Roles: []string{"A"}, Attr: f.attr}, Action: "tools/call::" + name,
		Resource: authz.Resource{Kind: "mcp_server", ID: name, Attr: map[string]any{"tool_name": name, "source": "client", "arguments": arguments}},
	}
}

// decide decides a call, and says what its condition comes to.
func (f *failsOpenCase) decide(t *testing.T, w *world, i int, arguments map[string]any) (allowed, met, might bool) {
	t.Helper()
	r := f.request(i, arguments)
	decisions, err := w.engine.Decide(t.Context(), []authz.Request{r})
	if err != nil {
		t.Fatal(err)
	}
	met, might = f.conditions[i].comes(t, w, r, fmt.Sprintf("resource.mcp_server.vdefault#deny%d", i))
	return decisions[0].Effect == authz.Allow, met, might
}

func (f *failsOpenCase) schema(t *testing.T, i int) *witness.Schema {
	t.Helper()
	if f.schemas[i] == "" {
		return nil
	}
	n, err := source.ParseJSON("schema.json", []byte(f.schemas[i]))
	if err != nil {
		t.Fatal(err)
	}
	return witness.NewSchema(n)
}

// holds holds a finding about a condition to the engine.
func (f *failsOpenCase) holds(t *testing.T, w *world, i int, x *lint.Finding) {
	t.Helper()
	allowed, met, might := f.decide(t, w, i, x.Witness.Arguments)
	if !allowed || met || !might || !f.schema(t, i).Allows(x.Witness.Arguments) {
		t.Errorf("%s: met %v, might be %v, allowed %v with %v\n%s\n%v", f.conditions[i], met, might, allowed, x.Witness.Arguments, f.schemas[i], x.Message)
	}
	if m := regexp.MustCompile(`call \w+ without (\w+)$`).FindStringSubmatch(x.Message); m != nil {
		if _, has := x.Witness.Arguments[m[1]]; has || !strings.Contains(f.conditions[i].String(), m[1]) {
			t.Errorf("%s is not without %s, or not about it: %s", f.conditions[i], m[1], x.Message)
		}
	}
}

// tries looks at random for arguments that show a rule to fail open, and for others that
// it denies.
func (f *failsOpenCase) tries(t *testing.T, w *world, i, n int) (errs, denies map[string]any, decided int) {
	t.Helper()
	schema := f.schema(t, i)
	var requests []authz.Request
	var trials []solver.Trial
	var sent []map[string]any
	c := f.conditions[i]
	for range n {
		if arguments := f.source.Arguments(); schema.Allows(arguments) {
			requests, sent = append(requests, f.request(i, arguments)), append(sent, arguments)
		}
	}
	decisions, err := w.engine.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	for k := range requests {
		for text := range c.texts {
			trials = append(trials, solver.Trial{Text: text, Request: &requests[k], Now: now})
		}
	}
	outcomes, err := w.engine.Leaves().Evaluate(t.Context(), c.texts, trials)
	if err != nil {
		t.Fatal(err)
	}
	for k := range requests {
		values := outcomes[k*len(c.texts) : (k+1)*len(c.texts)]
		met, might := c.is(values, false), c.is(values, c.op != "none")
		switch allowed := decisions[k].Effect == authz.Allow; {
		case allowed && !met && might:
			errs = sent[k]
		case !allowed && met:
			denies = sent[k]
		}
	}
	return errs, denies, len(requests)
}

// deniedAtRandom returns the condition of a DENY: one as celgen makes them, or one over
// elements, mappings, sizes and times, behind has() or not, alone or in a list.
func deniedAtRandom(s *celgen.Source, texts []string) deniedWhere {
	text := func() string {
		if s.IntN(3) == 0 {
			return texts[s.IntN(len(texts))]
		}
		place := func(names ...string) string { return "R.attr.arguments." + names[s.IntN(len(names))] }
		of := func(list ...string) string { return list[s.IntN(len(list))] }
		l, o, n, a, at := place("l", "l", "o.l"), place("o", "o", "l"), place("n", "m", "o.n"), place("a", "b", "o.a"), place("t")
		leaf := of(
			l+`.exists(e, e == "a")`, l+`.exists(e, e.startsWith("a"))`, l+`.all(e, e.endsWith("b"))`, "!"+l+`.all(e, e in ["a", "b"])`, l+`.exists_one(e, e == "red")`,
			l+`.exists(e, e > 2)`, l+`.exists(e, e.a == "a")`, l+`.filter(e, e != "a").size() > 1`, `"a" in `+l, "size("+l+") > 2", "size("+a+") > 2", "size("+o+") == 1",
			l+`[0] == "a"`, o+`["a"] == "red"`, o+`.a in ["a", "b"]`, `"k" in `+o, `{"a": 1, "b": 2}[`+a+"] > 1", a+` == P.attr.a`, n+" > P.attr.n", l+".exists(e, e == P.attr.b)",
			"timestamp("+at+`) > timestamp("2026-03-01T00:00:00Z")`, "timestamp("+at+").getHours() > 11", n+" > 2.5", "int("+a+") > 1", a+`.matches("^[ab]+$")`, "hasIntersection("+l+`, ["a", "z"])`,
		)
		guarded := of(l, o, n, a, at)
		switch s.IntN(5) {
		case 0:
			return "!has(" + guarded + ") || " + leaf
		case 1:
			return "has(" + guarded + ") && " + leaf
		case 2:
			return leaf + of(" && ", " || ") + n + " != 1"
		}
		return leaf
	}
	c := deniedWhere{op: []string{"", "", "", "all", "any", "none"}[s.IntN(6)], texts: []string{text()}}
	if c.op != "" {
		c.texts = append(c.texts, text())
	}
	return c
}

// failsOpenWorld makes a world.
func failsOpenWorld(t *testing.T, seed uint64) *failsOpenCase {
	t.Helper()
	f := &failsOpenCase{source: celgen.New(seed)}
	texts, err := f.source.Conditions(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	var tools []map[string]any
	var p strings.Builder
	p.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [noise]\n  rules:\n")
	p.WriteString("    - {actions: [\"*\"], effect: EFFECT_ALLOW, roles: [A]}\n    - {actions: [\"*\"], effect: EFFECT_ALLOW, derivedRoles: [never]}\n")
	for i := range 20 {
		c, tool, schema := deniedAtRandom(f.source, texts), map[string]any{"name": fmt.Sprintf("t%d", i)}, f.source.Schema()
		if schema != "" {
			tool["inputSchema"] = json.RawMessage(schema)
		}
		tools, f.conditions, f.schemas = append(tools, tool), append(f.conditions, c), append(f.schemas, schema)
		fmt.Fprintf(&p, "    - {name: deny%d, actions: [\"tools/call::t%d\"], effect: EFFECT_DENY, roles: [A], condition: {match: %s}}\n", i, i, c)
	}
	inventory, err := json.Marshal(map[string]any{"tools": tools})
	if err != nil {
		t.Fatal(err)
	}
	f.attr = f.source.Attributes("a b n m f l o")
	people, err := json.Marshal(map[string]any{"principals": map[string]any{"bob": map[string]any{"id": "bob", "roles": []string{"A"}, "attr": f.attr}}})
	if err != nil {
		t.Fatal(err)
	}
	f.files = fstest.MapFS{
		"manifest.json":   {Data: inventory},
		"principals.yaml": {Data: people},
		"policies/p.yaml": {Data: []byte(p.String())},
		"policies/roles.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: noise
  definitions:
    - {name: never, parentRoles: [A], condition: {match: {expr: R.attr.arguments.nowhere == P.attr.nowhere}}}
`)},
	}
	return f
}
