package lint_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
)

// TestLimitsHold lints ALLOW rules for roles at random, some with a bound on the amount,
// for people who hold roles at random. The engine decides amounts on both sides of every
// bound: what is reported is limited by the roles of the rule alone, and free with all;
// and whoever is so by roles that no other rule joins is reported.
func TestLimitsHold(t *testing.T) {
	said, silent, decisions := 0, 0, 0
	for seed := range rounds.Of(6, 200) {
		l := newLimitWorld(rand.New(rand.NewPCG(77, uint64(seed)))) //nolint:gosec // a small number
		w, err := load(t.Context(), l.files)
		if err != nil {
			t.Fatal(err)
		}
		list, err := findings(t.Context(), l.files, "limit-bypassed-by-role")
		if err != nil {
			t.Fatal(err)
		}
		reported := map[string]bool{}
		for _, f := range list {
			for _, a := range f.Affected {
				for _, who := range a.Principals {
					for _, item := range a.Items {
						reported[strings.Join([]string{f.Policy, who, item.Name}, " ")] = true
					}
				}
			}
		}
		for _, who := range l.people {
			for i, r := range l.rules {
				for tool := range limitTools {
					want := l.bypassed(t, w, who, r, tool, &decisions)
					key := fmt.Sprintf("resource.mcp_server.vdefault#r%d %s t%d", i, who.Key, tool)
					switch {
					case reported[key] != want:
						t.Errorf("seed %d: %s is reported: %v, want %v\n%s", seed, key, reported[key], want, l.files["policies/p.yaml"].Data)
					case want:
						said++
					default:
						silent++
					}
				}
			}
		}
	}
	t.Logf("%d reported, %d not, %d decisions", said, silent, decisions)
	if said < 5 {
		t.Error("too little is reported")
	}
}

const limitTools = 3

// A limitRule allows a tool, or all of them, up to an amount.
type limitRule struct {
	roles []string
	tool  int // negative for all
	most  int // 0 for any amount
	deny  bool
}

type limitWorld struct {
	files  fstest.MapFS
	rules  []limitRule
	people []*authz.Principal
}

func newLimitWorld(r *rand.Rand) *limitWorld {
	l := &limitWorld{}
	some := func(n int) []string {
		var list []string
		for _, i := range r.Perm(4)[:n] {
			list = append(list, string(rune('A'+i)))
		}
		slices.Sort(list)
		return list
	}
	var rules strings.Builder
	for i := range 3 + r.IntN(4) {
		rule := limitRule{some(1 + r.IntN(2)), r.IntN(limitTools+1) - 1, []int{0, 10, 100}[r.IntN(3)], r.IntN(6) == 0}
		l.rules = append(l.rules, rule)
		action := "tools/call::*"
		if rule.tool >= 0 {
			action = fmt.Sprintf("tools/call::t%d", rule.tool)
		}
		fmt.Fprintf(&rules, "    - {name: r%d, actions: [%q], effect: EFFECT_%s, roles: [%s]", i, action, map[bool]string{true: "DENY", false: "ALLOW"}[rule.deny], strings.Join(rule.roles, ", "))
		if rule.most > 0 {
			fmt.Fprintf(&rules, ", condition: {match: {expr: R.attr.arguments.n < %d.0}}", rule.most)
		}
		rules.WriteString("}\n")
	}
	people := map[string]any{}
	for i := range 5 {
		who := &authz.Principal{Key: fmt.Sprintf("p%d", i), ID: fmt.Sprintf("p%d", i), Roles: some(1 + r.IntN(3))}
		l.people = append(l.people, who)
		people[who.Key] = map[string]any{"id": who.ID, "roles": who.Roles}
	}
	text, err := json.Marshal(map[string]any{"principals": people})
	if err != nil {
		panic(err)
	}
	l.files = fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "t0"}, {"name": "t1"}, {"name": "t2"}]}`)},
		"principals.yaml": {Data: text},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + rules.String())},
	}
	return l
}

// bypassed reports whether a rule limits a principal by its roles alone, and all roles
// free it, of which those of another rule do by themselves.
func (l *limitWorld) bypassed(t *testing.T, w *world, who *authz.Principal, r limitRule, tool int, decisions *int) bool {
	t.Helper()
	of := held(r.roles, who.Roles)
	if r.deny || r.most == 0 || r.tool >= 0 && r.tool != tool || len(of) == 0 {
		return false
	}
	amounts := func(roles []string) (some, all bool) {
		some, all = false, true
		*decisions += 3
		for _, yes := range l.decide(t, w, who, roles, tool) {
			some, all = some || yes, all && yes
		}
		return some, all
	}
	if _, all := amounts(who.Roles); !all {
		return false
	}
	some, all := amounts(of)
	if !some || all || !l.within(r, of, tool) {
		return false
	}
	return slices.ContainsFunc(l.rules, func(o limitRule) bool {
		by := held(o.roles, who.Roles)
		if o.deny || o.most > 0 || o.tool >= 0 && o.tool != tool || len(by) == 0 || len(held(by, of)) > 0 {
			return false
		}
		_, free := amounts(by)
		return free
	})
}

// within reports whether a rule has a say for some roles: one of those that it is for is
// not denied all.
func (l *limitWorld) within(r limitRule, of []string, tool int) bool {
	return slices.ContainsFunc(of, func(role string) bool {
		return slices.Contains(r.roles, role) && !slices.ContainsFunc(l.rules, func(o limitRule) bool {
			return o.deny && o.most == 0 && (o.tool < 0 || o.tool == tool) && slices.Contains(o.roles, role)
		})
	})
}

func held(roles, by []string) []string {
	return slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return !slices.Contains(by, role) })
}

// decide returns what becomes of a small, a middling and a large amount.
func (l *limitWorld) decide(t *testing.T, w *world, who *authz.Principal, roles []string, tool int) []bool {
	t.Helper()
	var requests []authz.Request
	p := *who
	p.Roles = roles
	name := fmt.Sprintf("t%d", tool)
	for _, n := range []float64{5, 50, 500} {
		requests = append(requests, authz.Request{Principal: &p, Action: "tools/call::" + name, Resource: authz.Resource{
			Kind: "mcp_server", ID: name, Attr: map[string]any{"tool_name": name, "source": "client", "arguments": map[string]any{"n": n}},
		}})
	}
	decisions, err := w.engine.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	var list []bool
	for _, d := range decisions {
		list = append(list, d.Effect == authz.Allow)
	}
	return list
}
