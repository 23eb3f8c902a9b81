package testrunner_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// library has a tool on a condition, and suites that say which.
func library(config, when string) fstest.MapFS {
	files := fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [{"name": "lend"}]}`)},
		"principals.yaml": {Data: []byte(`principals:
  rut: {id: rut, roles: [READER], attr: {age: 12, shelf: low}}
  sam: {id: sam, roles: [READER], attr: {age: 12, shelf: high}}
`)},
		"policies/p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {name: young, actions: ["tools/call::lend", lend], effect: EFFECT_ALLOW, roles: [READER], condition: {match: {expr: R.attr.arguments.age <= P.attr.age}}}
    - {actions: [borrow], effect: EFFECT_ALLOW, roles: [READER], condition: {match: {expr: R.attr.arguments.days < 30}}}
`)},
		"tests/a.yaml": {Data: []byte("name: library\ntests:\n  - {name: t, principals: {}, call: {conditional: [{tool: lend, when: '" + when + "'}]}}\n")},
	}
	if config != "" {
		files["mcpolicy.yaml"] = &fstest.MapFile{Data: []byte(config)}
	}
	return files
}

// TestWhenWithoutConditions has an engine that only decides: what it allows when cannot
// be compared, which is neither a pass nor a failure.
func TestWhenWithoutConditions(t *testing.T) {
	w, err := fixture.Open(t.Context(), library("", "arguments.age <= 12"), "", workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	suites, err := w.Suites()
	if err != nil {
		t.Fatal(err)
	}
	outline, err := w.Outline()
	if err != nil {
		t.Fatal(err)
	}
	r, err := testrunner.Run(t.Context(), &testrunner.Input{Suites: suites, Matrix: matrix.New(&matrix.Input{
		Servers: w.Servers, Principals: slices.Collect(outline.Principals()), Decider: struct{ pdp.Decider }{w.Decider}, Policies: w.Policies,
	})})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Suites[0].Cases {
		if c.Outcome != testrunner.Errored || !strings.Contains(c.Message, "does not evaluate conditions") || c.Comparison != nil {
			t.Errorf("%s: %v, %q", c.Principals[0].Key, c.Outcome, c.Message)
		}
	}
}

// TestWhenReadEarlyOrLate holds that principals are told apart whenever suites are read.
func TestWhenReadEarlyOrLate(t *testing.T) {
	for _, early := range []bool{false, true} {
		w, err := fixture.Open(t.Context(), library("", `arguments.age <= 12 && principal.shelf == "low"`), "", workspace.Options{ReadSuites: early})
		if err != nil {
			t.Fatal(err)
		}
		m, err := w.Outline()
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.Test(t.Context(), m, testrunner.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Classes) != 1 {
			t.Errorf("read early %t: %d classes", early, len(m.Classes))
		}
		got := map[string]testrunner.Outcome{}
		for _, c := range r.Suites[0].Cases {
			got[c.Principals[0].Key] = c.Outcome
		}
		if got["rut"] != testrunner.Passed || got["sam"] != testrunner.Failed {
			t.Errorf("read early %t: %v", early, got)
		}
	}
}

// TestWhenOfProfiles compares where an enforcement point asks twice about a call, sends
// the arguments elsewhere, or does not send them.
func TestWhenOfProfiles(t *testing.T) {
	const config = `
servers: {crm: {manifest: manifest.json, enforcement: gate}}
policies: policies
principals: principals.yaml
enforcement:
  gate:
    tools/list: none
    tools/call:
`
	request := func(action, arguments string) string {
		return "      - {kind: mcp_server, id: '{name}', action: " + action + ", attr: {tool: '{name}', " + arguments + "}}\n"
	}
	for name, tt := range map[string]struct {
		requests, when string
		want           solver.Relation
		outcome        testrunner.Outcome
		message        string
	}{
		"twice":           {request("lend", "arguments: '{arguments}'") + request("borrow", "arguments: '{arguments}'"), "arguments.age <= 12 && arguments.days < 30", solver.Equal, testrunner.Passed, ""},
		"twice, and half": {request("lend", "arguments: '{arguments}'") + request("borrow", "arguments: '{arguments}'"), "arguments.age <= 12", solver.Narrower, testrunner.Failed, "only if (arguments.age <= 12)"},
		"apart":           {request("lend", "arguments: '{arguments}'") + request("borrow", "input: '{arguments}'"), "arguments.age <= 12 && arguments.days < 30", solver.Narrower, testrunner.Failed, "no rule allows it"},
		"elsewhere":       {request("lend", "arguments: {inner: '{arguments}'}"), "arguments.age <= 12", solver.Narrower, testrunner.Failed, "no rule allows it"},
		"not at all":      {request("lend", "other: 1"), "arguments.age <= 12", solver.Unrelated, testrunner.Failed, "gate does not send the arguments"},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := fixture.Open(t.Context(), library(config+tt.requests, tt.when), "", workspace.Options{})
			if err != nil {
				t.Fatal(err)
			}
			m, err := w.Outline()
			if err != nil {
				t.Fatal(err)
			}
			r, err := w.Test(t.Context(), m, testrunner.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			c := r.Suites[0].Cases[0]
			if c.Outcome != tt.outcome || !strings.Contains(c.Message, tt.message) || c.Comparison != nil && c.Comparison.Relation != tt.want {
				t.Errorf("%v, %q, %+v", c.Outcome, c.Message, c.Comparison)
			}
		})
	}
}
