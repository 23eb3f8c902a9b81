package report_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/report"
)

// crowd is a matrix of many tools and principals. Every principal is a class
// of its own, a third of the tools is conditional, and a sixth open to all.
func crowd(tb testing.TB, tools, people int) *matrix.Matrix {
	tb.Helper()
	var rules strings.Builder
	inventory := &manifest.Inventory{}
	for i := range tools {
		name := fmt.Sprintf("tool_%03d", i)
		inventory.Items = append(inventory.Items, &manifest.Item{Type: authz.ToolItem, Name: name})
		role, condition := fmt.Sprintf("team-%d", i%7), ""
		switch {
		case i%6 == 0:
			role = "*"
		case i%3 == 1:
			role, condition = "*", ", condition: {match: {expr: 'P.attr.number == R.attr.arguments.number'}}"
		}
		fmt.Fprintf(&rules, "    - {name: rule-of-%s, actions: [%s], effect: EFFECT_ALLOW, roles: ['%s']%s}\n", name, name, role, condition)
	}
	var principals []*authz.Principal
	for i := range people {
		key := fmt.Sprintf("person-%02d@example.com", i)
		principals = append(principals, &authz.Principal{
			Key: key, ID: key, Roles: []string{fmt.Sprintf("team-%d", i%7)}, Attr: map[string]any{"number": float64(i)},
		})
	}
	return town(tb, inventory, principals, rules.String(), true)
}

// town builds the matrix of a server big whose tools are asked about by their names,
// each principal a class of its own or in those that the policies tell apart.
func town(tb testing.TB, inventory *manifest.Inventory, principals []*authz.Principal, rules string, apart bool) *matrix.Matrix {
	tb.Helper()
	profile, err := pep.Custom("gateway", "big", []pep.Spec{
		{Endpoint: "tools/list", Filter: authz.FilterCall},
		{Endpoint: "tools/call", Requests: []pep.RequestSpec{{Kind: "mcp::big", ID: "{name}", Action: "{name}", Attr: map[string]any{"arguments": "{arguments}"}}}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	const head = "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp::big\n  version: default\n  rules:\n"
	fsys := fstest.MapFS{"big.yaml": {Data: []byte(head + rules)}}
	engine, err := embedded.Open(context.Background(), fsys, pdp.Options{Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		tb.Fatal(err)
	}
	syntax, err := policy.Load(fsys, "policies")
	if err != nil {
		tb.Fatal(err)
	}
	class := engine.Class
	if apart {
		class = nil
	}
	m, err := matrix.Build(context.Background(), &matrix.Input{
		Servers:    []*matrix.Server{{Name: "big", Inventory: inventory, Profile: profile}},
		Principals: principals, Decider: engine, Policies: syntax, Class: class,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// BenchmarkWrite writes 20,000 cells: 200 tools, 50 principals, list and call.
func BenchmarkWrite(b *testing.B) {
	m := crowd(b, 200, 50)
	for _, f := range report.Formats() {
		if f.Name == "junit" {
			continue // it has no matrix
		}
		b.Run(f.Name, func(b *testing.B) {
			size := &counter{}
			b.ReportAllocs()
			for b.Loop() {
				size.n = 0
				if err := f.Write(size, &report.Document{Matrix: m}, report.Options{All: true, MaxBytes: report.JobSummaryLimit}); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(size.n))
		})
	}
}

type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}
