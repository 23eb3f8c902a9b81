package matrix_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// scopedPolicies makes policies of three scopes, of which those of one or two
// disagree on scopePermissions in the one way that Cerbos overlooks: the file
// that it reads first says something else than the others.
func scopedPolicies(r *rand.Rand) fstest.MapFS {
	permissions := []string{"SCOPE_PERMISSIONS_OVERRIDE_PARENT", "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"}
	fsys := fstest.MapFS{}
	rules := func() string {
		var b strings.Builder
		for range 1 + r.IntN(3) {
			condition := ""
			if r.IntN(3) == 0 {
				condition = ", condition: {match: {expr: R.attr.arguments.n == 1}}"
			}
			fmt.Fprintf(&b, "    - {actions: [%s], effect: EFFECT_%s, roles: [%s]%s}\n",
				[]string{"open", "shut", `"*"`}[r.IntN(3)], []string{"ALLOW", "ALLOW", "DENY"}[r.IntN(3)], []string{"X", "Y", `"*"`}[r.IntN(3)], condition)
		}
		return b.String()
	}
	mixed, ofAnn := r.IntN(3), r.IntN(3) == 0
	for i, scope := range []string{"", "eu", "eu.fr"} {
		of := r.IntN(2)
		for file, kind := range map[string]string{"a-depot": "depot", "shop": "shop"} {
			says := permissions[of]
			if file == "a-depot" && (i == mixed || r.IntN(4) == 0) {
				says = permissions[1-of]
			}
			fsys[file+"."+scope+".yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil,
				"apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: %s\n  version: default\n  scope: %q\n  scopePermissions: %s\n  rules:\n%s",
				kind, scope, says, rules())}
		}
		if ofAnn {
			fsys["user."+scope+".yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil,
				"apiVersion: api.cerbos.dev/v1\nprincipalPolicy:\n  principal: ann\n  version: default\n  scope: %q\n  scopePermissions: %s\n  rules:\n    - resource: shop\n      actions: [{action: %s, effect: EFFECT_ALLOW}]\n",
				scope, permissions[of], []string{"open", "shut"}[r.IntN(2)])}
		}
	}
	return fsys
}

// TestUnstable holds what is said to hang on the order of loading to what
// fresh loads of the same policies decide.
func TestUnstable(t *testing.T) {
	inventories, err := manifest.Parse("shop.json", []byte(`{"tools": [{"name": "open"}, {"name": "shut"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := pep.Custom("gateway", "shop", []pep.Spec{{Endpoint: "tools/call", Requests: []pep.RequestSpec{
		{Kind: "shop", ID: "{name}", Action: "{name}", Scope: "eu.fr", Attr: map[string]any{"arguments": "{arguments}"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	people := []*authz.Principal{
		{Key: "ann", ID: "ann", Roles: []string{"X"}, Scope: "eu"}, {Key: "bob", ID: "bob", Roles: []string{"Y"}},
		{Key: "cy", ID: "cy", Roles: []string{"X", "Y"}}, {Key: "di", ID: "di", Roles: []string{"Z"}},
	}
	cells, flagged, changed := 0, 0, 0
	for world := range rounds.Of(8, 200) {
		fsys := scopedPolicies(rand.New(rand.NewPCG(3, uint64(world)))) //nolint:gosec // a test's
		set, err := policy.Load(fsys, "")
		if err != nil {
			t.Fatal(err)
		}
		disagreements := set.Disagreements()
		first, hangs, change := map[string]string{}, map[string]bool{}, map[string]bool{}
		for load := range 8 {
			engine, err := pdp.Open(t.Context(), fsys, pdp.Options{})
			if err != nil {
				t.Fatal(err)
			}
			m, err := matrix.Build(t.Context(), &matrix.Input{
				Servers:    []*matrix.Server{{Name: "shop", Inventory: inventories[0], Profile: profile}},
				Principals: people, Decider: engine, Policies: set,
			})
			if err != nil {
				t.Fatal(err)
			}
			for ref := range m.All() {
				key := fmt.Sprint(ref.Class.First().Key, " ", ref.Column.Operation, " ", ref.Column.Item.Name)
				says, on := ref.Access.String()+" "+ref.Condition, matrix.HangsOn(disagreements, ref.Rules) != nil
				if load == 0 {
					first[key], hangs[key] = says, on
				}
				change[key] = change[key] || says != first[key]
				if on != hangs[key] {
					t.Errorf("world %d: whether %s hangs on the load changes with it", world, key)
				}
				r := ref.Column.Question
				if on && ref.Class.First().Key != "ann" && matrix.MayHangOn(set, &r.Requests[0], "", "") == nil {
					t.Errorf("world %d: %s hangs on it, but nobody's decision may", world, key)
				}
			}
		}
		for key := range first {
			cells++
			if hangs[key] {
				flagged++
			}
			if change[key] {
				changed++
				if !hangs[key] {
					t.Errorf("world %d: %s changes from one load to the next:\n%v", world, key, fsys)
				}
			}
		}
	}
	t.Logf("%d cells, %d said to be unstable, %d changed", cells, flagged, changed)
	if changed == 0 || flagged == cells {
		t.Error("nothing was put to the test")
	}
}
