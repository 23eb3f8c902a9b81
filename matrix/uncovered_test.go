package matrix_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// TestUncovered has two enforcement points ask the same about what no policy covers. One does
// what Cerbos says, the other lets it pass: then no policy has a say, which is no denial. Where a
// policy for one principal covers it, that decides; Cerbos takes it to cover nothing where its
// condition is not met.
func TestUncovered(t *testing.T) {
	w := loadFiles(t, fstest.MapFS{"mcp.yaml": {Data: []byte(policies)}, "sally.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
principalPolicy:
  principal: sally
  version: default
  rules:
    - resource: gateway
      actions:
        - {action: greet, effect: EFFECT_ALLOW}
        - {action: report, effect: EFFECT_ALLOW, condition: {match: {expr: 'R.attr.args.region == "EMEA"'}}}
        - {action: wipe, effect: EFFECT_DENY}
`)}}, principal("sally", "EMEA", "SALES"), principal("guest", "EMEA", "GUEST"))
	first := w.input.Servers[0]
	w.input.Servers = nil
	for _, outcome := range []authz.Fallback{authz.Refuse, authz.Pass, authz.NotKnown} {
		profile, err := pep.Custom(outcome.String(), "crm", []pep.Spec{
			{Endpoint: "tools/list", Filter: authz.FilterGate, Requests: []pep.RequestSpec{{Kind: "mcp_server", ID: "tools/list", Action: "tools/list"}}},
			{Endpoint: "tools/call", Requests: []pep.RequestSpec{{Kind: "gateway", ID: "{name}", Action: "{name}", Attr: map[string]any{"args": "{arguments}"}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		profile.Declare(outcome, authz.NotKnown, authz.NotKnown, authz.NotKnown)
		inventory := *first.Inventory
		inventory.Items = slices.DeleteFunc(slices.Clone(inventory.Items), func(i *manifest.Item) bool { return i.Type != authz.ToolItem })
		w.input.Servers = append(w.input.Servers, &matrix.Server{Name: outcome.String(), Inventory: &inventory, Profile: profile})
	}
	m := build(t, w.input)
	// guest, then sally: list and call.
	denied := "greet        dd aa\nreport       dd ac\nwipe         dd ad\n"
	want := denied + "greet        du aa\nreport       du aa\nwipe         du ad\n" + denied
	if diff := cmp.Diff(want, table(m)); diff != "" {
		t.Errorf("refuse, pass, not declared (-want +got):\n%s", diff)
	}
	for _, region := range []string{"EMEA", "APAC"} {
		for _, col := range m.Columns {
			if col.Operation != authz.Call || col.Item.Name != "report" {
				continue
			}
			cells, err := m.Ask(t.Context(), []matrix.Attempt{{Principal: w.input.Principals[0], Column: col, Arguments: map[string]any{"region": region}}})
			if err != nil {
				t.Fatal(err)
			}
			want := matrix.Allowed
			if region == "APAC" {
				want = matrix.Denied
				if col.Server.Name == "pass" {
					want = matrix.Unguarded
				}
			}
			if cells[0].Access != want {
				t.Errorf("%s: sally reports on %s: %v, want %v", col.Server.Name, region, cells[0].Access, want)
			}
		}
	}
	for ref := range m.All() {
		uncovered := ref.Column.Operation == authz.Call && ref.Class.First().Key == "guest"
		if ref.NoPolicy != uncovered {
			t.Errorf("%s %v %s on %s: no policy is %v", ref.Class.First().Key, ref.Column.Operation, ref.Column.Item.Name, ref.Column.Server.Name, ref.NoPolicy)
		}
	}
}
