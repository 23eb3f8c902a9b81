package lint_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
)

// TestInertHolds lints derived roles with conditions at random. Of one that is said to be
// nobody's, no declared principal may gain anything by a call at random.
func TestInertHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	worlds, inert, active, decisions := rounds.Of(2, 30), 0, 0, 0
	for seed := range worlds {
		s := celgen.New(7000 + uint64(seed)) //nolint:gosec // a small number
		files, people, conditions := inertWorld(t, s)
		w, err := load(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		list, err := findings(t.Context(), files, "derived-role-inert")
		if err != nil {
			t.Fatal(err)
		}
		said := map[int]bool{}
		for _, f := range list {
			var i int
			if _, err := fmt.Sscanf(f.Message, "the derived role d%d does nothing", &i); err != nil {
				t.Fatal(err)
			}
			said[i] = true
		}
		inert += len(said)
		for i, c := range conditions {
			var requests []authz.Request
			for range 60 {
				for _, who := range people {
					name := fmt.Sprintf("t%d", i)
					requests = append(requests, authz.Request{
						Principal: who, Action: "tools/call::" + name,
						Resource: authz.Resource{Kind: "mcp_server", ID: name, Attr: map[string]any{"tool_name": name, "source": "client", "arguments": s.Arguments()}},
					})
				}
			}
			answers, err := w.engine.Decide(t.Context(), requests)
			if err != nil {
				t.Fatal(err)
			}
			decisions += len(answers)
			for k, d := range answers {
				if d.Effect != authz.Allow {
					continue
				}
				if active++; said[i] {
					t.Errorf("%s is said to be met by nobody, but it is by %v with %v", c, requests[k].Principal, requests[k].Resource.Attr)
				}
				break
			}
		}
	}
	t.Logf("%d worlds, %d decisions: %d derived roles that nobody has, %d that somebody has", worlds, decisions, inert, active)
	if inert == 0 || active == 0 {
		t.Error("nothing was shown")
	}
}

// inertWorld has a tool for each of some derived roles, whom alone it is open to.
func inertWorld(t *testing.T, s *celgen.Source) (fstest.MapFS, []*authz.Principal, []deniedWhere) {
	t.Helper()
	texts, err := s.Conditions(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var conditions []deniedWhere
	var tools []map[string]any
	var roles, rules strings.Builder
	for i := range 20 {
		c := deniedAtRandom(s, texts)
		conditions, tools = append(conditions, c), append(tools, map[string]any{"name": fmt.Sprintf("t%d", i)})
		fmt.Fprintf(&roles, "    - {name: d%d, parentRoles: [A], condition: {match: %s}}\n", i, c)
		fmt.Fprintf(&rules, "    - {actions: [\"tools/call::t%d\"], effect: EFFECT_ALLOW, derivedRoles: [d%d]}\n", i, i)
	}
	inventory, err := json.Marshal(map[string]any{"tools": tools})
	if err != nil {
		t.Fatal(err)
	}
	var people []*authz.Principal
	declared := map[string]any{}
	for _, id := range []string{"bob", "red"} {
		who := &authz.Principal{Key: id, ID: id, Roles: []string{"A"}, Attr: s.Attributes("a b n m f l o")}
		people, declared[id] = append(people, who), map[string]any{"id": id, "roles": who.Roles, "attr": who.Attr}
	}
	principals, err := json.Marshal(map[string]any{"principals": declared})
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"manifest.json":       {Data: inventory},
		"principals.yaml":     {Data: principals},
		"policies/roles.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: random\n  definitions:\n" + roles.String())},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n" +
			"  importDerivedRoles: [random]\n  rules:\n" + rules.String())},
	}, people, conditions
}
