package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// The property: a real PDP, which works out all derived roles for every request,
// decides as the embedded engine does, which has them worked out only where a
// condition reads which are in effect. Conditions of derived roles err often.

// roleExpressions err where an attribute is missing or of another type, or not.
var roleExpressions = []string{
	"P.attr.team == R.attr.team", "P.attr.level > 3", "R.attr.owner == P.id", `P.attr.team.startsWith("a")`, "P.attr.missing",
	"has(P.attr.level) && P.attr.level >= R.attr.level", "R.attr.arguments.n < 5", "P.attr.level + 1", "V.same", "V.none || V.same", "true", "false",
}

// manyRoles writes a policy about a kind of its own, with derived roles of which only
// some have rules.
func manyRoles(random *rand.Rand, n int, read bool) (policy, derived string) {
	one := func(of []string) string { return of[random.IntN(len(of))] }
	const variables = "  variables: {local: {same: 'P.attr.team == \"a\"', none: 'R.attr.none.at'}}\n"
	set := fmt.Sprintf("set%d", n)
	derived = "apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: " + set + "\n" + variables + "  definitions:\n"
	policy = fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: kind%d\n  version: default\n  importDerivedRoles: [%s]\n%s  rules:\n", n, set, variables)
	for i := range 5 {
		name := fmt.Sprintf("%s_%d", set, i)
		derived += fmt.Sprintf("    - {name: %s, parentRoles: [%s]", name, one([]string{"clerk", "lead", "'*'", "clerk, lead"}))
		if random.IntN(5) > 0 {
			derived += ", condition: {match: {expr: '" + one(roleExpressions) + "'}}"
		}
		derived += "}\n"
		if random.IntN(3) == 0 {
			continue
		}
		policy += fmt.Sprintf("    - {actions: [%s], effect: %s, derivedRoles: [%s]", one([]string{"call", "list", "'*'"}), one([]string{"EFFECT_ALLOW", "EFFECT_ALLOW", "EFFECT_DENY"}), name)
		if random.IntN(2) == 0 {
			policy += ", condition: {match: {expr: '" + one(roleExpressions) + "'}}"
		}
		policy += "}\n"
	}
	last := "R.attr.level < 3"
	if read {
		last = fmt.Sprintf("%q in runtime.effectiveDerivedRoles", set+"_0")
	}
	return policy + "    - {actions: [list], effect: EFFECT_ALLOW, roles: [lead], condition: {match: {expr: '" + last + "'}}}\n", derived
}

func someAttributes(random *rand.Rand) map[string]any {
	attr := map[string]any{}
	values := map[string][]any{"team": {"a", "ab", "c", 1.0}, "level": {1.0, 4.0, "4", nil}}
	for _, name := range []string{"team", "level"} {
		if i := random.IntN(len(values[name]) + 1); i < len(values[name]) {
			attr[name] = values[name][i]
		}
	}
	return attr
}

func TestDifferentialDerivedRoles(t *testing.T) {
	for _, read := range []bool{false, true} {
		dir, random := t.TempDir(), rand.New(rand.NewPCG(11, 5)) //nolint:gosec // a test's
		var open, known []authz.Request
		var of []int // the open request of each known one
		for n := range rounds.Of(20, 300) {
			policy, derived := manyRoles(random, n, read && n%3 == 0)
			for name, text := range map[string]string{"p": policy, "d": derived} {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s%d.yaml", name, n)), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 12 {
				p := &authz.Principal{ID: fmt.Sprintf("p%d", i%3), Roles: strings.Split([]string{"clerk", "lead", "clerk lead", "guest"}[i%4], " "), Attr: someAttributes(random)}
				r := authz.Request{Principal: p, Action: []string{"call", "list"}[i%2], Unknown: []string{"arguments"}, Resource: authz.Resource{Kind: fmt.Sprintf("kind%d", n), ID: "x", Attr: someAttributes(random)}}
				r.Resource.Attr["owner"] = "p1"
				open = append(open, r)
				for _, arguments := range []map[string]any{{}, {"n": 1.0}, {"n": 9.0}} {
					with := r
					with.Unknown, with.Resource.Attr = nil, map[string]any{"arguments": arguments}
					for name, v := range r.Resource.Attr {
						with.Resource.Attr[name] = v
					}
					known, of = append(known, with), append(of, len(open)-1)
				}
			}
		}
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("read=%t,strict=%t", read, strict), func(t *testing.T) {
				official := pdptest.Dial(t, cerbosbin.Serve(t, dir, map[string]any{"engine": map[string]any{"strictEvaluation": strict}}), remote.Options{})
				e, err := embedded.Open(t.Context(), os.DirFS(dir), pdp.Options{StrictEvaluation: strict, Now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)})
				if err != nil {
					t.Fatal(err)
				}
				cells, embedded := pdptest.Decide(t, e, open), pdptest.Decide(t, e, known)
				differ, allowed := 0, 0
				for i, want := range pdptest.Decide(t, official, known) {
					cell := cells[of[i]].Effect
					if want.Effect == authz.Allow {
						allowed++
					}
					if embedded[i].Effect != want.Effect || cell != authz.Conditional && cell != want.Effect {
						if differ++; differ < 10 {
							t.Errorf("%v, the cell %v, the PDP %v: %+v for %+v", embedded[i].Effect, cell, want.Effect, known[i].Resource, known[i].Principal)
						}
					}
				}
				t.Logf("%d decisions, %d allowed, %d differences", 2*len(known), allowed, differ)
				if allowed == 0 || allowed == len(known) {
					t.Errorf("%d of %d are allowed", allowed, len(known))
				}
			})
		}
	}
}
