package lint_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/policy"
)

// TestNeverAskedHolds lints policies in scopes and versions at random. Of a policy that is
// said to be inert, the engine gets to no rule by any request of the matrix, and decides all
// of them the same without; of one that nothing is said of, it gets to some rule.
func TestNeverAskedHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	worlds, inert, reachable, decisions := rounds.Of(12, 300), 0, 0, 0
	for seed := range worlds {
		r := rand.New(rand.NewPCG(uint64(seed), 41)) //nolint:gosec // a small number
		files := scopedWorld(r)
		w, err := load(t.Context(), files)
		if err != nil {
			t.Fatalf("%v\n%s", err, files["mcpolicy.yaml"].Data)
		}
		list, err := findings(t.Context(), files, "policy-never-asked")
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]bool{} // by file
		for _, f := range list {
			said[f.Pos.File] = true
			for _, at := range f.Related {
				said[at.Pos.File] = true
			}
		}
		requests := requestsOf(t, w)
		reached := reachedBy(t, w, requests)
		for _, x := range w.Policies.Policies {
			is := func(such func(*policy.Rule) bool) bool { return slices.ContainsFunc(x.Rules, such) }
			asked := is(func(r *policy.Rule) bool {
				return slices.ContainsFunc(requests, func(q authz.Request) bool { return r.CoversKind(q.Resource.Kind) })
			})
			active := is(func(r *policy.Rule) bool { return reached[r.ID] })
			// A role policy of whose rules nothing comes may deny all the same.
			if said[x.File] && active || asked && !active && !said[x.File] && x.Kind != policy.RolePolicy {
				t.Errorf("world %d: %s (%s, version %s, scope %q): said to be inert %t, and the engine gets to it %t\n%s",
					seed, x.File, x.Name, x.Version, x.Scope, said[x.File], active, files["mcpolicy.yaml"].Data)
			}
			if active {
				reachable++
			}
		}
		if len(said) > 0 {
			inert += len(said)
			decisions += decidedTheSame(t, w, said, requests)
		}
	}
	t.Logf("%d worlds, %d policies inert and %d not, %d decisions without them", worlds, inert, reachable, decisions)
	if inert == 0 || reachable == 0 {
		t.Error("nothing was shown")
	}
}

// requestsOf lists what is asked in the world, for all principals.
func requestsOf(t *testing.T, w *world) []authz.Request {
	t.Helper()
	m, err := w.build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []authz.Request
	for _, col := range m.Columns {
		for _, q := range col.Question.Requests {
			for _, who := range w.principals {
				q.Principal, q.Unknown = who, nil
				list = append(list, q)
			}
		}
	}
	return list
}

// reachedBy returns the IDs of the rules that the engine gets to.
func reachedBy(t *testing.T, w *world, requests []authz.Request) map[string]bool {
	t.Helper()
	var ids []string
	for rule := range w.Policies.Rules() {
		ids = append(ids, rule.ID)
	}
	reached := map[string]bool{}
	seen := map[string]bool{}
	for _, q := range requests {
		place := fmt.Sprint(q.Principal.ID, q.Resource.Kind, q.Resource.PolicyVersion, q.Resource.Scope)
		if seen[place] {
			continue
		}
		seen[place] = true
		by, err := w.engine.Reach(t.Context(), q, ids)
		if err != nil {
			t.Fatal(err)
		}
		for id := range by {
			reached[id] = true
		}
	}
	return reached
}

// decidedTheSame holds that the requests are decided alike without the rules of the
// policies in some files, and returns how many there are.
func decidedTheSame(t *testing.T, w *world, files map[string]bool, requests []authz.Request) int {
	t.Helper()
	var ids []string
	for _, x := range w.Policies.Policies {
		for _, rule := range x.Rules {
			if files[x.File] {
				ids = append(ids, rule.ID)
			}
		}
	}
	without, err := w.engine.Without(ids)
	if err != nil {
		t.Fatal(err)
	}
	before, err := w.engine.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	after, err := without.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	for i := range requests {
		if before[i].Effect != after[i].Effect {
			t.Errorf("%v on %s: %v, and %v without what is said to be inert", requests[i].Principal, requests[i].Action, before[i].Effect, after[i].Effect)
		}
	}
	return len(requests)
}

// scopedWorld has two servers that ask in places at random, and policies in such places.
// Each scope has a policy of a kind and one of an id that nobody asks about, so that no
// chain of scopes is broken.
func scopedWorld(r *rand.Rand) fstest.MapFS {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	scopes := []string{"", "acme", "acme.eu", "globex"}
	versions := []string{"default", "v2"}
	var ask strings.Builder
	for _, name := range []string{"one", "two"} {
		fmt.Fprintf(&ask, "  %s:\n    tools/list: {filter: call}\n    tools/call:\n", name)
		for range 1 + r.IntN(2) {
			fmt.Fprintf(&ask, "      - {kind: %s, id: \"{name}\", action: \"{name}\"%s%s}\n", pick("k1", "k2"),
				pick("", "", ", scope: acme", ", scope: acme.eu", ", scope: globex"), pick("", "", ", policyVersion: v2"))
		}
	}
	files := fstest.MapFS{
		"mcpolicy.yaml": {Data: []byte("servers:\n  a: {manifest: m.json, enforcement: one}\n  b: {manifest: m.json, enforcement: two}\n" +
			"policies: policies\nprincipals: principals.yaml\nengine: {" + pick("", "defaultPolicyVersion: v2", "defaultScope: acme") + "}\nenforcement:\n" + ask.String())},
		"m.json": {Data: []byte(`{"tools": [{"name": "x"}, {"name": "y"}]}`)},
		"principals.yaml": {Data: []byte(fmt.Sprintf("principals:\n  p: {id: p, roles: [A]%s}\n  q: {id: q, roles: [B, A]%s}\n  r: {id: r, roles: [C]%s}\n",
			pick("", ", scope: acme", ", scope: acme.eu"), pick("", ", policyVersion: v2"), pick("", ", scope: globex")))},
	}
	add := func(file, kind, place, rules string) {
		files["policies/"+file+".yaml"] = &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\n" + kind + ":\n" + place + "  rules:\n" + rules)}
	}
	place := func(version, scope string) string {
		if scope == "" {
			return "  version: " + version + "\n"
		}
		return "  version: " + version + "\n  scope: " + scope + "\n"
	}
	effect := func() string { return "EFFECT_" + pick("ALLOW", "DENY") }
	for _, v := range versions {
		for i, s := range scopes {
			at := fmt.Sprintf("%s-%d", v, i)
			add("unasked-"+at, "resourcePolicy", "  resource: other\n"+place(v, s), "    - {actions: [x], effect: EFFECT_ALLOW, roles: [A]}\n")
			add("unasked-p-"+at, "principalPolicy", "  principal: nobody\n"+place(v, s), "    - {resource: other, actions: [{action: x, effect: EFFECT_ALLOW}]}\n")
			for _, k := range []string{"k1", "k2"} {
				add(k+"-"+at, "resourcePolicy", "  resource: "+k+"\n"+place(v, s),
					fmt.Sprintf("    - {actions: [%s], effect: %s, roles: [%s]}\n", pick("x", "y", `"*"`), effect(), pick("A", "B", "C")))
			}
			for _, id := range []string{"p", "q"} {
				add(id+"-"+at, "principalPolicy", "  principal: "+id+"\n"+place(v, s),
					fmt.Sprintf("    - {resource: %s, actions: [{action: %s, effect: %s}]}\n", pick("k1", "k2", `"k*"`), pick("x", "y"), effect()))
			}
			if r.IntN(2) == 0 {
				add("role-"+at, "rolePolicy", "  role: C\n"+place(v, s), fmt.Sprintf("    - {resource: %s, allowActions: [%s]}\n", pick("k1", "k2"), pick("x", "y")))
			}
		}
	}
	return files
}
