package lint_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/lint"
)

// TestBypassesHold lints DENY rules on conditions at random, beside ALLOW rules for
// another role on conditions at random. The engine has to decide each call that is shown
// as it is said. Of what is not reported no call at random may be a bypass, but for a few
// of which the solver does not know.
func TestBypassesHold(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	var shown, silent, missed, decisions int
	for seed := range rounds.Of(2, 40) {
		s := celgen.New(4400 + uint64(seed)) //nolint:gosec // a small number
		files, who, tools := bypassWorld(t, s)
		w, err := load(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		list, err := findings(t.Context(), files, "deny-bypassed-by-role")
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]*lint.Finding{}
		for i := range list {
			said[list[i].Name] = &list[i]
		}
		for i, denies := range tools {
			name := fmt.Sprintf("t%d", i)
			bypass := func(calls []map[string]any) int { return bypassAmong(t, w, who, name, calls) }
			if f := said[name]; f != nil {
				shown++
				decisions += 3
				if bypass([]map[string]any{f.Witness.Arguments}) < 0 {
					t.Errorf("%s: %v is shown, and is no bypass of %s", name, f.Witness.Arguments, denies)
				}
				continue
			}
			var calls []map[string]any
			for range 80 {
				calls = append(calls, s.Arguments())
			}
			decisions += 3 * len(calls)
			if k := bypass(calls); k >= 0 {
				missed++
				t.Logf("%s: %v is a bypass of %s", name, calls[k], denies)
			} else {
				silent++
			}
		}
	}
	t.Logf("%d shown, %d silent, %d missed, %d decisions", shown, silent, missed, decisions)
	if shown < 10 || silent < 5 || missed*20 > shown {
		t.Error("too little is shown, or too much missed")
	}
}

// bypassAmong returns the first call that is allowed to somebody, that is denied to the
// role A alone, and that would not be without the DENY. It is negative if there is none.
func bypassAmong(t *testing.T, w *world, who *authz.Principal, name string, calls []map[string]any) int {
	t.Helper()
	var requests []authz.Request
	for _, arguments := range calls {
		for _, of := range [][2]string{{"A", name}, {"A B", name}, {"A", name + "without"}} {
			p := *who
			p.Roles = strings.Fields(of[0])
			if arguments == nil {
				arguments = map[string]any{}
			}
			requests = append(requests, authz.Request{Principal: &p, Action: "tools/call::" + of[1], Resource: authz.Resource{
				Kind: "mcp_server", ID: name, Attr: map[string]any{"tool_name": name, "source": "client", "arguments": arguments},
			}})
		}
	}
	decisions, err := w.engine.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	of := slices.Collect(slices.Chunk(decisions, 3))
	return slices.IndexFunc(of, func(d []authz.Decision) bool {
		return d[0].Effect == authz.Deny && d[1].Effect == authz.Allow && d[2].Effect == authz.Allow
	})
}

// bypassWorld has tools that a rule denies to A and others allow to A and to B. Without
// the DENY A is allowed all, so what A is denied is denied by it.
func bypassWorld(t *testing.T, s *celgen.Source) (fstest.MapFS, *authz.Principal, []deniedWhere) {
	t.Helper()
	texts, err := s.Conditions(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	var tools []map[string]any
	var conditions []deniedWhere
	var rules strings.Builder
	for i := range 16 {
		denies, allows := deniedAtRandom(s, texts), deniedAtRandom(s, texts)
		tools, conditions = append(tools, map[string]any{"name": fmt.Sprintf("t%d", i)}), append(conditions, denies)
		fmt.Fprintf(&rules, "    - {actions: [\"tools/call::t%d\", \"tools/call::t%dwithout\"], effect: EFFECT_ALLOW, roles: [A]}\n", i, i)
		fmt.Fprintf(&rules, "    - {actions: [\"tools/call::t%d\"], effect: EFFECT_DENY, roles: [A], condition: {match: %s}}\n", i, denies)
		fmt.Fprintf(&rules, "    - {actions: [\"tools/call::t%d\"], effect: EFFECT_ALLOW, roles: [B], condition: {match: %s}}\n", i, allows)
	}
	inventory, err := json.Marshal(map[string]any{"tools": tools})
	if err != nil {
		t.Fatal(err)
	}
	who := &authz.Principal{Key: "bob", ID: "bob", Roles: []string{"A", "B"}, Attr: s.Attributes("a b n m f l o")}
	people, err := json.Marshal(map[string]any{"principals": map[string]any{"bob": map[string]any{"id": "bob", "roles": who.Roles, "attr": who.Attr}}})
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"manifest.json":   {Data: inventory},
		"principals.yaml": {Data: people},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + rules.String())},
	}, who, conditions
}
