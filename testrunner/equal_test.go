package testrunner_test

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

const branches = `
-- manifest.json --
{"tools": [{"name": "close_branch", "inputSchema": {"type": "object"}}]}
-- principals.yaml --
principals:
  olga: {id: olga, roles: [manager], attr: {branch: north}}
  piet: {id: piet, roles: [manager], attr: {branch: south}}
-- policies/p.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::close_branch"]
      effect: EFFECT_ALLOW
      roles: [manager]
      condition: {match: {expr: R.attr.arguments.branch == P.attr.branch}}
-- tests/t.yaml --
name: closing
tests:
`

const own = `
  - name: %
    principals: [olga, piet]
    call: {cases: [{tool: close_branch, arguments: {branch: west}, expect: deny}, {tool: close_branch, arguments: {branch: "%"}, expect: deny}]}
  - name: of olga %
    principals: [olga]
    call: {cases: [{tool: close_branch, arguments: {branch: north}, expect: allow}, {tool: close_branch, arguments: {branch: south}, expect: deny}]}
`

// TestEqualQuestions holds that a suite that asks the same many times costs as
// many checks as one that asks it once, and that each case has its own answer.
func TestEqualQuestions(t *testing.T) {
	checks := func(suite string) (int64, testrunner.Counts) {
		fsys, err := txtar.FS(txtar.Parse([]byte(branches + suite)))
		if err != nil {
			t.Fatal(err)
		}
		in, err := load(t.Context(), fsys)
		if err != nil {
			t.Fatal(err)
		}
		engine := in.Matrix.Decider().(*embedded.Engine)
		before := engine.Checks()
		result, err := testrunner.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return engine.Checks() - before, result.Counts()
	}
	once := strings.ReplaceAll(own, "%", "A")
	again := once
	for _, name := range []string{"B", "C", "D"} {
		again += strings.ReplaceAll(strings.ReplaceAll(own, `"%"`, `"A"`), "%", name)
	}
	one, counts := checks(once)
	if counts.Passed != 6 {
		t.Fatalf("once: %+v", counts)
	}
	many, counts := checks(again)
	if counts.Passed != 24 || counts.Failed+counts.Errored+counts.Skipped != 0 {
		t.Errorf("four times: %+v", counts)
	}
	if many != one {
		t.Errorf("%d checks for the same questions four times, %d for them once", many, one)
	}
	wrong, counts := checks(again + strings.NewReplacer("%", "E", "expect: deny", "expect: allow").Replace(own))
	if counts.Passed != 25 || counts.Failed != 5 {
		t.Errorf("the same questions with other expectations: %+v", counts)
	}
	t.Logf("%d checks, and %d where cases fail", one, wrong)
}
