package testrunner_test

import (
	"context"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A recorder notes what an engine is asked.
type recorder struct {
	pdp.Decider
	asked *[]string
}

func (r recorder) Decide(ctx context.Context, requests []authz.Request) ([]authz.Decision, error) {
	for _, q := range requests {
		*r.asked = append(*r.asked, q.Principal.Key+" "+q.Action)
	}
	return r.Decider.Decide(ctx, requests)
}

// TestCaseDecidesOnlyItsCell has cases without arguments about one cell of a row, one
// of a column, and one of neither. The engine is asked about these, each once, in
// suites with options as in those without.
func TestCaseDecidesOnlyItsCell(t *testing.T) {
	const cases = `tests:
  - {name: row, principals: [vera], call: {allow: [brew], deny: [scrap]}}
  - {name: column, principals: [wim], call: {deny: [scrap]}}
  - {name: again, principals: [vera], call: {deny: [scrap]}, list: {deny: [taste]}}
`
	for name, options := range map[string]string{"plain": "", "clock": "options: {now: 2026-02-03}\n", "globals": "options: {globals: {strict: true}}\n", "auxData": "options: {auxData: {jwt: {iss: a}}}\n"} {
		t.Run(name, func(t *testing.T) {
			w, err := fixture.Open(t.Context(), fstest.MapFS{
				"manifest.json": {Data: []byte(`{"tools": [{"name": "brew"}, {"name": "scrap"}, {"name": "taste"}]}`)},
				"principals.yaml": {Data: []byte(`principals:
  vera: {id: vera, roles: [BREWER], attr: {shift: 1}}
  wim: {id: wim, roles: [BREWER], attr: {shift: 2}}
  xia: {id: xia, roles: [BREWER], attr: {shift: 3}}
`)},
				"policies/p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::brew"], effect: EFFECT_ALLOW, roles: [BREWER], condition: {match: {expr: P.attr.shift < 3.0}}}
`)},
				"tests/a.yaml": {Data: []byte("name: brewery\n" + options + cases)},
			}, "", workspace.Options{})
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
			var asked []string
			in := &testrunner.Input{Suites: suites, Matrix: matrix.New(&matrix.Input{
				Servers: w.Servers, Principals: slices.Collect(outline.Principals()), Decider: recorder{w.Decider, &asked}, Policies: w.Policies,
			})}
			in.Reopen = func(now time.Time, globals map[string]any) (pdp.Decider, error) {
				d, err := w.Reopen(t.Context(), now, globals)
				return recorder{d, &asked}, err
			}
			r, err := testrunner.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if n := r.Counts(); n != (testrunner.Counts{Passed: 5}) {
				t.Errorf("%+v", n)
			}
			slices.Sort(asked)
			want := []string{
				"vera tools/call::brew", "vera tools/call::scrap", "vera tools/list", "vera tools/list::taste", "wim tools/call::scrap",
			}
			if diff := cmp.Diff(want, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}
