package testrunner_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// TestFailedCaseAsksOnlyItsQuestion has cases with arguments fail, for one principal
// of several that the policies tell apart. What other arguments would change is
// asked about that one, and nothing where the matrix knows it.
func TestFailedCaseAsksOnlyItsQuestion(t *testing.T) {
	world := fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [{"name": "weigh"}, {"name": "ship"}]}`)},
		"principals.yaml": {Data: []byte(`principals:
  ines: {id: ines, roles: [PACKER], attr: {hall: 1}}
  jon: {id: jon, roles: [PACKER], attr: {hall: 2}}
  kim: {id: kim, roles: [PACKER], attr: {hall: 3}}
  lou: {id: lou, roles: [GUEST]}
`)},
		"policies/p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {name: weigh, actions: ["tools/call::weigh"], effect: EFFECT_ALLOW, roles: [PACKER], condition: {match: {expr: P.attr.hall < 3.0}}}
    - {name: ship, actions: ["tools/call::ship"], effect: EFFECT_ALLOW, roles: [PACKER], condition: {match: {expr: R.attr.arguments.hall == P.attr.hall}}}
`)},
		"tests/a.yaml": {Data: []byte(`name: halls
tests:
  - name: t
    principals: [ines]
    call:
      cases:
        - {tool: weigh, arguments: {kilos: 2}, expect: deny}
        - {tool: weigh, arguments: {kilos: 3}, expect: deny}
        - {tool: ship, arguments: {hall: 1}, expect: deny}
        - {tool: ship, arguments: {hall: 2}, expect: allow}
`)},
	}
	messages := func(r *testrunner.Result) []string {
		var list []string
		for _, c := range r.Suites[0].Cases {
			list = append(list, c.Message)
		}
		return list
	}
	want := []string{
		`rule "weigh" allows it, whatever the arguments`, `rule "weigh" allows it, whatever the arguments`,
		`rule "ship" allows it`, `no rule allows it; rule "ship" would, but its condition is not met`,
	}
	for _, decided := range []bool{false, true} {
		in, err := load(t.Context(), world)
		if err != nil {
			t.Fatal(err)
		}
		if !decided {
			w, err := fixture.Open(t.Context(), world, "", workspace.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if in.Matrix, err = w.Outline(); err != nil {
				t.Fatal(err)
			}
		}
		before := in.Matrix.Decisions
		r, err := testrunner.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, messages(r)); diff != "" {
			t.Errorf("decided %v (-want +got):\n%s", decided, diff)
		}
		more := map[bool]int{true: 4, false: 6}[decided] // each case, and each tool that is allowed
		if got := in.Matrix.Decisions - before; got != more {
			t.Errorf("decided %v: %d decisions, want %d", decided, got, more)
		}
		for _, col := range in.Matrix.Columns {
			if in.Matrix.Decided(col) != decided {
				t.Errorf("decided %v: %v %s is decided: %v", decided, col.Operation, col.Item.Name, !decided)
			}
		}
		if values := r.Suites[0].Cases[3].Values; len(values) != 2 || !strings.HasSuffix(values[0].Expr, "hall") {
			t.Errorf("values %v", values)
		}
	}
}
