package reason_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/reason"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// TestVerdicts says what conditions come to over all requests: where candidates alone
// would overlook a request that meets one, and where they would leave it open.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	const schema = `{"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 9}, "to": {"type": "array", "items": {"type": "string"}}, "s": {"type": "string"}}}`
	for text, want := range map[string]reason.Verdict{
		`P.id in R.attr.arguments.to`:                                                reason.Open,
		`"owner" in R.attr.arguments.labels`:                                         reason.Open,
		`size(R.attr.arguments.to) > 12`:                                             reason.Open,
		`R.attr.arguments.n > P.attr.limit`:                                          reason.Open,
		`R.attr.arguments.to.exists(e, e.endsWith("@example.org"))`:                  reason.Open,
		`R.attr.arguments.s.startsWith("ops-") && R.attr.arguments.s.size() > 6`:     reason.Open,
		`R.attr.arguments.s.startsWith("a") && R.attr.arguments.s.startsWith("b")`:   reason.Never,
		`R.attr.arguments.s.matches("^[0-9]+$") && R.attr.arguments.s.contains("x")`: reason.Never,
		`R.attr.arguments.n > P.attr.limit && R.attr.arguments.n < P.attr.limit`:     reason.Never,
		`P.attr.x > P.attr.y && P.attr.y > P.attr.z && P.attr.z > P.attr.x`:          reason.Never,
		`R.attr.arguments.n > 9`:                                                     reason.NeverWithin,
		`P.id != "" || R.attr.arguments.n == 1`:                                      reason.Always,
	} {
		fsys := fstest.MapFS{
			"manifest.json": {Data: []byte(`{"tools": [{"name": "send", "inputSchema": ` + schema + `}]}`)},
			"policies/p.yaml": {Data: fmt.Appendf(nil, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n"+
				"    - {name: r, actions: [\"tools/call::send\"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: %q}}}\n", text)},
		}
		w, err := fixture.Open(t.Context(), fsys, "principals: {ada: {id: ada, roles: [A], attr: {limit: 3}}}\n", workspace.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := w.Matrix(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		x := reason.New(reason.Input{
			Matrix: m, Policies: w.Policies, Index: coverage.New(m, w.Policies, coverage.Defaults{}), Budget: reason.NewBudget(m), Engine: w.Engine,
		})
		rule := w.Policies.Policies[0].Rules[0]
		got, err := x.Verdict(t.Context(), rule, x.Own(rule))
		if err != nil || got != want {
			t.Errorf("%s: %v, want %v (%v)", text, got, want, err)
		}
	}
}
