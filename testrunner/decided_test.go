package testrunner_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// kiosk is a world in which two rules allow the same.
func kiosk(t *testing.T, suite string) *testrunner.Input {
	t.Helper()
	in, err := load(t.Context(), fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "sell"}]}`)},
		"principals.yaml": {Data: []byte("principals:\n  ada: {id: ada, roles: [SELLER]}\n")},
		"policies/p.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {name: sellers, actions: ["tools/call::sell"], effect: EFFECT_ALLOW, roles: [SELLER]}
    - {name: everybody, actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: ["*"]}
`)},
		"tests/a.yaml": {Data: []byte("name: s\ntests:\n  - name: t\n    principals: [ada]\n    call: " + suite + "\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// TestDecidedAgain holds that a case is missed by a rule that it names, though another
// decides the same without it.
func TestDecidedAgain(t *testing.T) {
	for _, suite := range []string{
		`{allow: [{tool: sell, by: sellers}], cases: [{tool: sell, arguments: {}, expect: allow}]}`,
		`{allow: [sell], cases: [{tool: sell, arguments: {}, expect: allow, by: [sellers, everybody]}]}`,
	} {
		in := kiosk(t, suite)
		r, err := testrunner.Run(t.Context(), in)
		if err != nil || r.Counts().Passed != 2 {
			t.Fatalf("%v\n%s", err, describe(r))
		}
		engine := plainEngine(t, r, in.Matrix.Decider())
		changed, err := engine.Decider.(pdp.Changeable).Change(t.Context(), []pdp.Change{{Rule: "resource.mcp_server.vdefault#sellers"}})
		if err != nil {
			t.Fatal(err)
		}
		without, err := changed[0].For([]string{"tools/call::sell"})
		if err != nil {
			t.Fatal(err)
		}
		failing, err := r.Again(t.Context(), without, engine.Cases)
		if err != nil || len(failing) != 1 || len(failing[0].By) == 0 {
			t.Errorf("%s: %v, %v", suite, places(failing), err)
		}
	}
}

// TestNobodySaysWhatDecides holds that a case is an error where what decides does not say
// by which rules, and passes where it does not ask.
func TestNobodySaysWhatDecides(t *testing.T) {
	in := kiosk(t, `{allow: [{tool: sell, by: sellers}], cases: [{tool: sell, arguments: {}, expect: allow}, {tool: sell, arguments: {n: 1}, expect: deny, because: no-rule}]}`)
	in.Matrix = in.Matrix.By(struct{ pdp.Decider }{in.Matrix.Decider()})
	r, err := testrunner.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Counts(); n != (testrunner.Counts{Passed: 1, Failed: 1, Errored: 1}) || !strings.Contains(describe(r), "does not say by which rules") {
		t.Errorf("%s", describe(r))
	}
}

// allowedAlone lists the rules that allow somebody all calls of a tool with no other's help.
func allowedAlone(m *matrix.Matrix, tool string) []string {
	var labels []string
	for ref := range m.All() {
		if of := ref.Decisive(); ref.Column.Operation == authz.Call && ref.Column.Item.Name == tool && ref.Access == matrix.Allowed && len(of) == 1 {
			labels = append(labels, of[0].Name)
		}
	}
	return labels
}

// TestDecidedForAll holds that what decides for all arguments decides for each set of
// them, too, and so does the reason.
func TestDecidedForAll(t *testing.T) {
	held := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		in, err := load(t.Context(), randomWorld(t))
		if err != nil {
			t.Fatal(err)
		}
		bases := []string{"by: default"}
		for r := range in.Matrix.Policies().Rules() {
			bases = append(bases, "by: "+r.Label(), "by: "+r.Label(), "by: "+r.Label())
		}
		for _, reason := range testrunner.Reasons() {
			bases = append(bases, "because: "+reason, "because: "+reason, "because: "+reason)
		}
		basis := rapid.SampledFrom(bases).Draw(t, "basis")
		expect := "deny"
		if alone := allowedAlone(in.Matrix, "get"); len(alone) > 0 && rapid.IntRange(0, 3).Draw(t, "alone") > 0 {
			basis, expect = "by: "+rapid.SampledFrom(alone).Draw(t, "rule"), "allow"
		} else if strings.HasPrefix(basis, "by: rule") {
			expect = rapid.SampledFrom([]string{"allow", "allow", "allow", "deny"}).Draw(t, "expect")
		}
		cases := make([]string, 0, 5)
		for _, arguments := range []string{"", "arguments: {}, ", "arguments: {x: 0}, ", "arguments: {x: 1}, ", "arguments: {x: a}, "} {
			cases = append(cases, "{tool: get, "+arguments+"expect: "+expect+", "+basis+"}")
		}
		in.Suites, err = testrunner.Parse("t.yaml", []byte(suiteOf("", "cases: ["+strings.Join(cases, ", ")+"]")))
		if err != nil {
			t.Fatal(err)
		}
		r, err := testrunner.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		whole := map[*authz.Principal]bool{}
		for _, c := range r.Suites[0].Cases { // those about all arguments come first
			who := c.Principals[0]
			switch {
			case c.Arguments == nil:
				whole[who] = c.Outcome == testrunner.Passed
			case whole[who] && c.Outcome != testrunner.Passed:
				t.Fatalf("%s %s %s holds for all arguments, and not for %v: %s", who.Key, expect, basis, c.Arguments, c.Message)
			case whole[who]:
				held[strings.Fields(basis)[0]+expect]++
			}
		}
	})
	t.Log(held)
	for _, kind := range []string{"by:allow", "by:deny", "because:deny"} {
		if held[kind] == 0 && !testing.Short() { // a short run makes few worlds
			t.Errorf("%s held never: %v", kind, held)
		}
	}
}
