package embedded_test

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// The property: whatever is shared between principals, by class, by roles or by
// an answer that is known already, every one of them gets the decision that
// Cerbos's evaluator gives when it is asked about nobody else.

// randomWorld adds to random policies what only some principals are told apart
// by: auxiliary data, computed paths, derived roles as a list, schemas.
func randomWorld(t *rapid.T) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i, p := range randomPolicies(t) {
		fsys[fmt.Sprintf("p%d.yaml", i)] = &fstest.MapFile{Data: []byte(p)}
	}
	more := rapid.SampledFrom([]string{
		`request.auxData.jwt.sub == "x"`, `request.auxData.jwts.app.claims.sub == "x"`, `P.attr.map[P.attr.s] == 1`, `"owner" in runtime.effectiveDerivedRoles`,
		`P.attr[P.attr.s] == 1`, `size(P.attr) > 3`, `P.id.startsWith("q")`, `size(P.roles) > 1`, `P.attr.map.a == 1`,
	}).Draw(t, "more")
	text := "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: other\n  version: default\n"
	if rapid.Bool().Draw(t, "schemas") {
		text += "  schemas:\n    principalSchema: {ref: 'cerbos:///p.json'}\n    resourceSchema: {ref: 'cerbos:///r.json'}\n"
		fsys["_schemas/p.json"] = &fstest.MapFile{Data: []byte(`{"type": "object", "properties": {"n": {"type": "number", "maximum": 2}, "s": {"enum": ["a"]}}}`)}
		fsys["_schemas/r.json"] = &fstest.MapFile{Data: []byte(`{"type": "object", "required": ["tool_name"]}`)}
	}
	text += fmt.Sprintf("  importDerivedRoles: [derived]\n  rules:\n    - {actions: [call], effect: EFFECT_ALLOW, roles: [A, B], condition: {match: {expr: %q}}}\n    - {actions: [list], effect: EFFECT_ALLOW, derivedRoles: [owner]}\n    - {actions: ['li*'], effect: EFFECT_ALLOW, roles: [B]}\n", more)
	fsys["other.yaml"] = &fstest.MapFile{Data: []byte(text)}
	return fsys
}

func randomPrincipal(t *rapid.T, i int) *authz.Principal {
	p := &authz.Principal{
		Key: fmt.Sprint("k", i), ID: rapid.SampledFrom([]string{"p", "q1", "r"}).Draw(t, "id"),
		Roles: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"A", "B", "adm"}), 1, 3, rapid.ID).Draw(t, "roles"),
		Attr:  map[string]any{"unread": float64(i)},
	}
	for name, values := range map[string][]any{
		"n": {1.0, 2.0, 2.5, "a"}, "s": {"a", "b", "n"}, "list": {[]any{"a", "b"}, []any{}, []any{1.0}}, "map": {map[string]any{"a": 1.0}, map[string]any{"b": 1.0}, "a"},
	} {
		if v := rapid.IntRange(-1, len(values)-1).Draw(t, name); v >= 0 {
			p.Attr[name] = values[v]
		}
	}
	if rapid.Bool().Draw(t, "aux") {
		p.AuxData = map[string]any{"sub": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "sub")}
	} else if rapid.Bool().Draw(t, "tokens") {
		p.JWTs = map[string]map[string]any{"app": {"sub": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "sub")}}
	}
	if rapid.IntRange(0, 3).Draw(t, "scoped") == 0 {
		p.Scope = "child"
	}
	return p
}

func TestSharingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fsys := randomWorld(t)
		options := pdp.Options{
			StrictEvaluation: rapid.IntRange(0, 3).Draw(t, "strict") == 0, Now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC),
			Schemas: rapid.SampledFrom([]pdp.Enforcement{pdp.EnforceNone, pdp.EnforceNone, pdp.EnforceWarn, pdp.EnforceReject}).Draw(t, "enforcement"),
			Workers: rapid.SampledFrom([]int{1, 2, 16}).Draw(t, "workers"),
		}
		shared, err := embedded.Open(t.Context(), fsys, options)
		if err != nil {
			t.Skip(err) // a random policy may be refused, for instance for a type error
		}
		if len(shared.Confused()) > 0 {
			t.Skip("Cerbos decides these differently from one load to the next")
		}
		alone, err := embedded.Open(t.Context(), fsys, options)
		if err != nil {
			t.Fatal(err)
		}
		var people []*authz.Principal
		for i := range rapid.IntRange(1, 8).Draw(t, "principals") {
			people = append(people, randomPrincipal(t, i))
		}
		var standing []*authz.Principal // one of each class
		classOf := map[string]int{}
		for _, p := range people {
			key := shared.Class(p)
			if _, ok := classOf[key]; !ok {
				classOf[key] = len(standing)
				standing = append(standing, p)
			}
		}
		var questions []pdp.SharedRequest
		for _, kind := range []string{"mcp_server", "other", "nobody"} {
			for _, action := range []string{"call", "list"} {
				scope := rapid.SampledFrom([]string{"", "child"}).Draw(t, "scope")
				r := authz.Request{Action: action, Resource: authz.Resource{Kind: kind, ID: "t", Scope: scope, Attr: map[string]any{"tool_name": "t"}}}
				questions = append(questions, pdp.SharedRequest{Request: r, Of: standing})
				known := r
				known.Resource.Attr = map[string]any{"tool_name": "t", "arguments": randomArguments(t)}
				questions = append(questions, pdp.SharedRequest{Request: known, Of: standing})
				r.Unknown = []string{"arguments"}
				questions = append(questions, pdp.SharedRequest{Request: r, Of: standing})
			}
		}
		answers, err := pdp.Each(t.Context(), shared, questions)
		if err != nil {
			t.Fatal(err)
		}
		for i, q := range questions {
			for _, p := range people {
				r := q.Request
				r.Principal = p
				got := *answers[i][classOf[shared.Class(p)]]
				var want []authz.Decision
				if r.Unknown == nil {
					want, err = embedded.Plainly(t.Context(), alone, []authz.Request{r})
				} else {
					embedded.Forget(alone)
					want, err = alone.Decide(t.Context(), []authz.Request{r})
				}
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want[0], got, ignoreVariables, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("%s on %s for %s %v (-alone +shared):\n%s", r.Action, r.Resource.Kind, p.Key, p.Attr, diff)
				}
			}
		}
	})
}

// ignoreVariables leaves out the errors of variables that are evaluated with a
// rule but do not matter to it.
var ignoreVariables = cmpopts.IgnoreFields(authz.Decision{}, "Errors")
