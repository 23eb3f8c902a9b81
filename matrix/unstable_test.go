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
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
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
		for _, kind := range []string{"depot", "shop"} { // and so are their files sorted
			says := permissions[of]
			if kind == "depot" && (i == mixed || r.IntN(4) == 0) {
				says = permissions[1-of]
			}
			fsys[kind+"."+scope+".yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil,
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

// A loaded is what one load of policies makes of a cell.
type loaded struct {
	says  string
	hangs bool // on the order of loading, as is said
}

// loads decides the same cells by fresh loads of the same policies.
func loads(t *testing.T, n int, fsys fstest.MapFS, set *policy.Set, in matrix.Input) []map[string]loaded {
	t.Helper()
	var list []map[string]loaded
	for range n {
		engine, err := embedded.Open(t.Context(), fsys, pdp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		in.Decider, in.Policies = engine, set
		m, err := matrix.Build(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		cells := map[string]loaded{}
		for ref := range m.All() {
			if !ref.Column.Question.Guarded() {
				continue
			}
			who := ref.Class.First().Key
			key := fmt.Sprint(who, " ", ref.Column.Item.Name)
			hangs := matrix.HangsOn(set.Disagreements(), ref.Rules) != nil
			cells[key] = loaded{ref.Access.String() + " " + ref.Condition.String(), hangs}
			if hangs && who != "ann" && matrix.MayHangOn(set, &ref.Column.Question.Requests[0], "", "") == nil {
				t.Errorf("%s hangs on it, but nobody's decision may: %v", key, fsys)
			}
		}
		list = append(list, cells)
	}
	return list
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
	in := matrix.Input{
		Servers: []*matrix.Server{{Name: "shop", Inventory: inventories[0], Profile: profile}},
		Principals: []*authz.Principal{
			{Key: "ann", ID: "ann", Roles: []string{"X"}, Scope: "eu"},
			{Key: "bob", ID: "bob", Roles: []string{"Y"}},
			{Key: "cy", ID: "cy", Roles: []string{"X", "Y"}},
			{Key: "di", ID: "di", Roles: []string{"Z"}},
		},
	}
	cells, hang, changed := 0, 0, 0
	for world := range rounds.Of(8, 200) {
		fsys := scopedPolicies(rand.New(rand.NewPCG(3, uint64(world)))) //nolint:gosec // a test's
		set, err := policy.Load(fsys, "")
		if err != nil {
			t.Fatal(err)
		}
		list := loads(t, 8, fsys, set, in)
		for key, first := range list[0] {
			cells++
			changes := false
			for _, later := range list[1:] {
				changes = changes || later[key].says != first.says
				if later[key].hangs != first.hangs {
					t.Errorf("world %d: whether %s hangs on the load changes with it:\n%v", world, key, fsys)
				}
			}
			if first.hangs {
				hang++
			}
			if changes {
				changed++
			}
			if changes && !first.hangs {
				t.Errorf("world %d: %s changes from one load to the next:\n%v", world, key, fsys)
			}
		}
	}
	t.Logf("%d cells, %d said to be unstable, %d changed", cells, hang, changed)
	if changed == 0 || hang == cells {
		t.Error("nothing was put to the test")
	}
}

// TestUnstableCells holds which cells are said to hang on the order of loading, and in which
// words.
func TestUnstableCells(t *testing.T) {
	file := func(kind, permissions, action, roles string) string {
		return fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: %s\n  version: default\n  scopePermissions: SCOPE_PERMISSIONS_%s\n  rules:\n    - {actions: [%q], effect: EFFECT_ALLOW, roles: [%s]}\n", kind, permissions, action, roles)
	}
	people := []*authz.Principal{principal("ann", "x", "A"), principal("bo", "x", "B")}
	for i := range 6 {
		people = append(people, principal(fmt.Sprintf("c%d", i), "x", "C"))
	}
	for _, x := range []struct {
		roles, other, want string
		people             []*authz.Principal
	}{
		{"A", "OVERRIDE_PARENT", "", people},
		{"A", "REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS", "1 of 8 cells (ann call greet on crm)", people},
		{"A", "REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS", "ann call greet on crm", people[:1]},
		{"B", "REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS", "", people[:1]},
		{"A, C", "REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS", "7 of 8 cells (ann call greet on crm, c0 call greet on crm, c1 call greet on crm, c2 call greet on crm, c3 call greet on crm and 2 more)", people},
	} {
		w := loadFiles(t, fstest.MapFS{
			"a.yaml": {Data: []byte(file("mcp_server", "OVERRIDE_PARENT", "tools/call::greet", x.roles))},
			"b.yaml": {Data: []byte(file("other", x.other, "else", "A"))},
		}, x.people...)
		m := build(t, w.input)
		columns := []*matrix.Column{m.Columns[1], m.Columns[len(m.Columns)-1]} // a call, and a read that asks nothing
		got := ""
		for _, u := range m.Unstable(columns) {
			got += u.String()
		}
		if got != x.want {
			t.Errorf("%s, %s: %q, want %q", x.roles, x.other, got, x.want)
		}
		w.input.Policies = nil
		if list := build(t, w.input).Unstable(columns); len(list) > 0 {
			t.Errorf("without the policies: %v", list)
		}
	}
}
