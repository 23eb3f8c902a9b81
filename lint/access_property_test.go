package lint_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
)

// TestAccessAndClaimsHold lints worlds at random. Whoever is said to have no access is
// allowed nothing by the engine, and whoever else is allowed nothing is denied all of it by
// rules. A rule that reads a claim of which it is said that nobody has it applies to nobody.
func TestAccessAndClaimsHold(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	worlds, without, with, claims := rounds.Of(40, 1500), 0, 0, 0
	for seed := range worlds {
		r := rand.New(rand.NewPCG(uint64(seed), 47)) //nolint:gosec // a small number
		files, read := claimedWorld(r)
		w, err := load(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		list, err := findings(t.Context(), files, "principal-without-access", "claim-never-supplied", "attribute-never-supplied", "condition-never-true")
		if err != nil {
			t.Fatal(err)
		}
		said, missing := map[string]bool{}, map[string]bool{}
		note := func(rule, message string, keys []string) {
			for _, key := range keys {
				said[key] = said[key] || rule == "principal-without-access"
			}
			for name := range read {
				if rule == "claim-never-supplied" && strings.Contains(message, "the claim "+name) {
					missing[name] = true
				}
			}
		}
		for _, f := range list {
			note(f.Rule, f.Message, f.Principals)
			for _, x := range f.Explains {
				note(x.Rule, "", x.Principals)
			}
		}
		claims += len(missing)
		for name, guarded := range read {
			if held := slices.ContainsFunc(w.principals, func(p *authz.Principal) bool { return p.AuxData[name] != nil }); missing[name] != (!held && !guarded) {
				t.Errorf("world %d: the claim %s is held %t, guarded %t and said to be nobody's %t", seed, name, held, guarded, missing[name])
			}
		}
		for _, who := range w.principals {
			allowed, denied := decidedFor(t, w, who)
			switch {
			case said[who.Key] && allowed:
				t.Errorf("world %d: %s is said to have no access, and is allowed something", seed, who.Key)
			case !said[who.Key] && !allowed && !denied:
				t.Errorf("world %d: %s is allowed nothing, and nothing is said of that", seed, who.Key)
			}
			if with++; said[who.Key] {
				without++
			}
		}
	}
	t.Logf("%d worlds, %d of %d principals without access, %d claims that nobody has", worlds, without, with, claims)
	if without == 0 || without == with || claims == 0 {
		t.Error("nothing was shown")
	}
}

// decidedFor reports whether the engine allows a principal anything that is asked, and
// whether it denies all of it by rules.
func decidedFor(t *testing.T, w *world, who *authz.Principal) (allowed, denied bool) {
	t.Helper()
	m, err := w.build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	denied = true
	for _, col := range m.Columns {
		requests := slices.Clone(col.Question.Requests)
		for i := range requests {
			requests[i].Principal = who
		}
		answers, err := w.engine.Decide(t.Context(), requests)
		if err != nil {
			t.Fatal(err)
		}
		all, byRule := true, false
		for _, d := range answers {
			all = all && d.Effect != authz.Deny
			byRule = byRule || slices.ContainsFunc(d.Rules, func(x authz.RuleRef) bool { return x.Effect == authz.Deny && x.Met != authz.Unmet })
		}
		allowed, denied = allowed || all, denied && byRule
	}
	return allowed, denied
}

// claimedWorld has rules that read claims, and principals with some of them. Read are the
// claims that are read, and whether each is asked for with has() wherever it is.
func claimedWorld(r *rand.Rand) (files fstest.MapFS, read map[string]bool) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	read = map[string]bool{}
	var rules, people strings.Builder
	for i := range 2 + r.IntN(4) {
		name, condition := pick("ca", "cb", "cc", "cd"), ""
		switch r.IntN(4) {
		case 0:
			condition = fmt.Sprintf("request.auxData.jwt.%s == 1.0", name)
		case 1:
			condition = fmt.Sprintf("has(request.aux_data.jwt.%s) && request.auxData.jwt.%s == 1.0", name, name)
		}
		if condition != "" {
			before, known := read[name]
			read[name] = (before || !known) && strings.Contains(condition, "has(")
			condition = ", condition: {match: {expr: \"" + condition + "\"}}"
		}
		fmt.Fprintf(&rules, "    - {name: r%d, actions: [%s], effect: EFFECT_%s, roles: [%s]%s}\n", i,
			pick(`"tools/list", "tools/list::a"`, `"tools/call::*"`, `"tools/call::b"`, `"**"`), pick("ALLOW", "ALLOW", "ALLOW", "DENY"), pick("A", "B", "C"), condition)
	}
	for i := range 4 {
		claims := map[string]bool{}
		for range r.IntN(3) {
			claims[pick("ca", "cb", "cc")] = true
		}
		var words []string
		for _, name := range slices.Sorted(maps.Keys(claims)) {
			words = append(words, name+": "+pick("1", "2"))
		}
		fmt.Fprintf(&people, "  p%d: {id: p%d, roles: [%s], auxData: {jwt: {%s}}}\n", i, i, pick("A", "B", "C", "D", "A, B"), strings.Join(words, ", "))
	}
	return fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "a"}, {"name": "b"}]}`)},
		"principals.yaml": {Data: []byte("principals:\n" + people.String())},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + rules.String())},
	}, read
}
