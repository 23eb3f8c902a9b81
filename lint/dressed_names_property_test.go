package lint_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/pep"
)

// TestDressedNamesHold lints conditions at random on what an enforcement point makes of a
// name. What is said of all requests holds for tools of any name.
func TestDressedNamesHold(t *testing.T) {
	worlds, said, decisions := rounds.Of(6, 150), map[string]int{}, 0
	for seed := range worlds {
		d := newDresser(uint64(seed)) //nolint:gosec // a small number
		files, conditions := d.world(t)
		w, err := load(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		list, err := findings(t.Context(), files, "condition-never-true", "condition-always-true")
		if err != nil {
			t.Fatal(err)
		}
		verdicts := verdictsIn(t, list)
		for _, verdict := range verdicts {
			said[verdict]++
		}
		profile := w.servers[0].Profile
		for i, verdict := range verdicts {
			var requests []authz.Request
			for range 60 {
				name := d.piece() + d.pick("", d.piece()) + d.pick("", d.piece())
				q := profile.Ask(pep.Item{Type: authz.ToolItem, Name: name}, authz.Call).Requests[0]
				q.Principal = &authz.Principal{ID: "p", Roles: []string{fmt.Sprintf("A%d", i)}}
				requests = append(requests, q)
			}
			answers, err := w.engine.Decide(t.Context(), requests)
			if err != nil {
				t.Fatal(err)
			}
			decisions += len(answers)
			for j, answer := range answers {
				if (answer.Effect == authz.Allow) == (verdict == "no request can meet") {
					t.Errorf("%s: %s it, and R.id is %q: %v", conditions[i], verdict, requests[j].Resource.ID, answer.Effect)
				}
			}
		}
	}
	t.Logf("%d worlds, %d decisions, %v", worlds, decisions, said)
	if len(said) < 2 {
		t.Error("nothing was shown")
	}
}

// verdictsIn returns what findings say of all requests, by the number of the rule.
func verdictsIn(t *testing.T, list []lint.Finding) map[int]string {
	t.Helper()
	verdicts := map[int]string{}
	for _, f := range list {
		for _, begin := range []string{"no request can meet", "no request can fail"} {
			rest, ok := strings.CutPrefix(f.Message, begin+" the condition of rule ")
			if !ok {
				continue
			}
			var i int
			if _, err := fmt.Sscanf(rest, `"r%d"`, &i); err != nil {
				t.Fatal(err)
			}
			verdicts[i] = begin
		}
	}
	return verdicts
}

// A dresser makes conditions on names with something around them.
type dresser struct {
	*rand.Rand
	before, after string
}

func newDresser(seed uint64) *dresser {
	d := &dresser{Rand: rand.New(rand.NewPCG(seed, 43))} //nolint:gosec // for tests
	d.before, d.after = d.pick("", "tool:", "t", "tool"), d.pick("", "/v1", "x")
	return d
}

func (d *dresser) pick(of ...string) string { return of[d.IntN(len(of))] }

func (d *dresser) piece() string {
	return d.pick("t", "to", "tool", ":", "tool:", "get", "ge", "_x", "x", "get_x", ":get", "/v1", "v1", "/")
}

func (d *dresser) text() string {
	return fmt.Sprintf("%q", d.pick("", "", d.before)+d.piece()+d.pick("", d.piece())+d.pick("", "", d.after))
}

func (d *dresser) condition(depth int) string {
	if depth > 0 && d.IntN(2) == 0 {
		return "(" + d.condition(depth-1) + d.pick(" && ", " || ") + d.condition(depth-1) + ")"
	}
	place := d.pick("R.id", "R.id", "R.attr.tool")
	return d.pick("", "!") + "(" + place + d.pick(
		" == "+d.text(), " in ["+d.text()+", "+d.text()+"]", ".startsWith("+d.text()+")", ".endsWith("+d.text()+")", ".contains("+d.text()+")",
	) + ")"
}

// world has a rule for each of some conditions.
func (d *dresser) world(t *testing.T) (files fstest.MapFS, conditions []string) {
	t.Helper()
	var rules strings.Builder
	for i := range 20 {
		conditions = append(conditions, d.condition(2))
		quoted, err := json.Marshal(conditions[i])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&rules, "    - {name: r%d, actions: [\"call\"], effect: EFFECT_ALLOW, roles: [A%d], condition: {match: {expr: %s}}}\n", i, i, quoted)
	}
	return fstest.MapFS{
		"mcpolicy.yaml": {Data: []byte(fmt.Sprintf("servers:\n  a: {manifest: m.json, enforcement: g}\npolicies: policies\nprincipals: principals.yaml\nenforcement:\n  g:\n"+
			"    tools/list: {filter: call}\n    tools/call:\n      - {kind: k, id: %q, action: call, attr: {tool: %q}}\n", d.before+"{name}"+d.after, d.pick("{name}", "{name}/v1")))},
		"m.json":          {Data: []byte(`{"tools": [{"name": "get_x"}, {"name": "x"}]}`)},
		"principals.yaml": {Data: []byte("principals:\n  p: {id: p, roles: [A0]}\n")},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: k\n  version: default\n  rules:\n" + rules.String())},
	}, conditions
}
