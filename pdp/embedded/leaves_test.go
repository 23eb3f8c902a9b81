package embedded_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/solver"
)

// TestLeaves tells errors from what is false, for several expressions, requests and times
// at once, however the engine is set.
func TestLeaves(t *testing.T) {
	for _, options := range []pdp.Options{{}, {StrictEvaluation: true, DefaultScope: "acme", DefaultPolicyVersion: "7"}} {
		e, err := embedded.Open(t.Context(), os.DirFS(pdptest.Folder(t, pdptest.Rules(pdptest.Rule("ALLOW", "none", "")))), options)
		if err != nil {
			t.Fatal(err)
		}
		leaves := e.Leaves()
		request := func(n any) *authz.Request {
			r := &authz.Request{
				Principal: &authz.Principal{ID: "ida", Roles: []string{"staff", "lead"}, Scope: "acme", Attr: map[string]any{"team": "sea"}},
				Resource:  authz.Resource{Kind: "mcp_server", ID: "move", Scope: "acme", PolicyVersion: "3", Attr: map[string]any{}},
			}
			if n != nil {
				r.Resource.Attr["n"] = n
			}
			return r
		}
		at := func(hour int) time.Time { return time.Date(2026, 5, 1, hour, 0, 0, 0, time.UTC) }
		texts := []string{
			`R.attr.n > 3.0`, `!(R.attr.n > 3.0)`, `R.attr.n`, `P.attr.team == "sea" && "lead" in P.roles`, `now().getHours() == 9`,
			`R.kind == "mcp_server" && request.resource.scope == "acme" && R.policyVersion == "3" && R.id == "move" && P.scope == "acme"`,
			"// what follows\nR.attr.n == 4.0",
		}
		type asked struct {
			text, request, hour int
			want                solver.Outcome
		}
		requests := []*authz.Request{request(4.0), request("four"), request(nil)}
		list := []asked{
			{0, 0, 9, solver.Met},
			{1, 0, 9, solver.Unmet},
			{2, 0, 9, solver.Unmet},
			{3, 0, 9, solver.Met},
			{4, 0, 9, solver.Met},
			{5, 0, 9, solver.Met},
			{0, 1, 9, solver.Errored},
			{1, 1, 9, solver.Errored},
			{2, 1, 9, solver.Unmet},
			{3, 1, 9, solver.Met},
			{4, 1, 8, solver.Unmet},
			{0, 2, 8, solver.Errored},
			{2, 2, 8, solver.Errored},
			{5, 2, 8, solver.Met},
			{4, 2, 9, solver.Met},
			{6, 0, 9, solver.Met},
			{6, 1, 9, solver.Unmet},
		}
		for range 2 { // the second time all is compiled
			trials := make([]solver.Trial, len(list))
			for i, x := range list {
				trials[i] = solver.Trial{Text: x.text, Request: requests[x.request], Now: at(x.hour)}
			}
			got, err := leaves.Evaluate(t.Context(), texts, trials)
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range list {
				if got[i] != x.want {
					t.Errorf("%s for request %d at %d: got %s, want %s", texts[x.text], x.request, x.hour, got[i], x.want)
				}
			}
		}
		if _, err := leaves.Evaluate(t.Context(), []string{"R.attr.n >"}, []solver.Trial{{Request: requests[0]}}); err == nil {
			t.Error("no error for what is no expression")
		}
	}
}

// TestLeavesOfMany holds that expressions beyond one table are told apart.
func TestLeavesOfMany(t *testing.T) {
	e, err := embedded.Open(t.Context(), os.DirFS(pdptest.Folder(t, pdptest.Rules(pdptest.Rule("ALLOW", "none", "")))), pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	leaves := e.Leaves()
	r := &authz.Request{Principal: &authz.Principal{ID: "ida", Roles: []string{"staff"}, Attr: map[string]any{"n": 7.0}}}
	for round := range 3 {
		var texts []string
		var trials []solver.Trial
		for i := range 10 * (round + 1) {
			texts = append(texts, fmt.Sprintf("P.attr.n == %d", i), fmt.Sprintf("P.attr.m == %d", i))
			trials = append(trials, solver.Trial{Text: 2 * i, Request: r}, solver.Trial{Text: 2*i + 1, Request: r})
		}
		got, err := leaves.Evaluate(t.Context(), texts, trials)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			want := solver.Unmet
			if i%2 == 1 {
				want = solver.Errored
			} else if i == 14 {
				want = solver.Met
			}
			if got[i] != want {
				t.Errorf("%s: got %s, want %s", texts[i], got[i], want)
			}
		}
	}
}
