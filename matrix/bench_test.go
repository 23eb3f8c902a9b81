package matrix_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
)

// largeWorld has tools of which every third has a condition on its arguments,
// and principals of a role each, all of different regions.
func largeWorld(b testing.TB, tools, principals int) *matrix.Input {
	b.Helper()
	var policies, inventory strings.Builder
	policies.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n    - {actions: [tools/list], effect: EFFECT_ALLOW, roles: [\"*\"]}\n")
	inventory.WriteString(`{"tools": [`)
	for i := range tools {
		if i > 0 {
			inventory.WriteString(",")
		}
		fmt.Fprintf(&inventory, `{"name": "tool_%d"}`, i)
		condition := ""
		if i%3 == 0 {
			condition = ", condition: {match: {expr: R.attr.arguments.region == P.attr.region}}"
		}
		fmt.Fprintf(&policies, "    - {actions: ['tools/list::tool_%d'], effect: EFFECT_ALLOW, roles: [role_%d]}\n", i, i%10)
		fmt.Fprintf(&policies, "    - {actions: ['tools/call::tool_%d'], effect: EFFECT_ALLOW, roles: [role_%d]%s}\n", i, i%10, condition)
	}
	inventory.WriteString("]}")
	inventories, err := manifest.Parse("m.json", []byte(inventory.String()))
	if err != nil {
		b.Fatal(err)
	}
	engine, err := embedded.Open(b.Context(), fstest.MapFS{"p.yaml": {Data: []byte(policies.String())}}, pdp.Options{})
	if err != nil {
		b.Fatal(err)
	}
	profile, err := pep.New("cerbos-fastmcp", "s", pep.With{}, "")
	if err != nil {
		b.Fatal(err)
	}
	var people []*authz.Principal
	for i := range principals {
		people = append(people, principal(fmt.Sprint("p", i), fmt.Sprint("region", i), fmt.Sprintf("role_%d", i%10)))
	}
	return &matrix.Input{
		Servers:    []*matrix.Server{{Name: "s", Inventory: inventories[0], Profile: profile}},
		Principals: people, Decider: engine, Class: engine.Class,
	}
}

func callsOf(in *matrix.Input) int64 { return in.Decider.(*embedded.Engine).Checks() }

func BenchmarkBuildLarge(b *testing.B) {
	in := largeWorld(b, 200, 50)
	for b.Loop() {
		m := build(b, in)
		b.ReportMetric(float64(m.Decisions), "decisions/op")
	}
}
