package embedded_test

import (
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
)

// BenchmarkLimit builds a matrix of 200 tools by 50 principals, a third of the
// calls on a condition, and makes the same calls of Cerbos's evaluators again in
// a bare loop, on the same cores. The ratio is what everything besides the
// engine costs. In "roles shared" ten roles are shared by five principals each;
// In "no two alike" every principal has a role of its own.
func BenchmarkLimit(b *testing.B) {
	for _, world := range []struct {
		name  string
		roles int
	}{{"roles shared", 10}, {"no two alike", 50}} {
		b.Run(world.name, func(b *testing.B) {
			engine, in := limitWorld(b, 200, 50, world.roles)
			run := func() {
				m, err := matrix.Build(b.Context(), in)
				if err != nil {
					b.Fatal(err)
				}
				questions = m.Decisions
			}
			run() // loads the tables that are loaded on first use
			recording := embedded.Record(engine, run)
			var built, bare time.Duration
			for b.Loop() {
				embedded.Forget(engine)
				start := time.Now()
				run()
				built += time.Since(start)
				start = time.Now()
				if err := recording.Replay(b.Context()); err != nil {
					b.Fatal(err)
				}
				bare += time.Since(start)
			}
			b.ReportMetric(float64(questions), "cells-asked")
			b.ReportMetric(float64(recording.Questions), "questions")
			b.ReportMetric(float64(recording.Checks), "checks")
			b.ReportMetric(built.Seconds()/bare.Seconds(), "built/bare")
		})
	}
}

var questions int

func limitWorld(b *testing.B, tools, principals, roles int) (*embedded.Engine, *matrix.Input) {
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
		fmt.Fprintf(&policies, "    - {actions: ['tools/list::tool_%d'], effect: EFFECT_ALLOW, roles: [role_%d]}\n", i, i%roles)
		fmt.Fprintf(&policies, "    - {actions: ['tools/call::tool_%d'], effect: EFFECT_ALLOW, roles: [role_%d]%s}\n", i, i%roles, condition)
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
		key := fmt.Sprint("p", i)
		people = append(people, &authz.Principal{
			Key: key, ID: key, Roles: []string{fmt.Sprintf("role_%d", i%roles)}, Attr: map[string]any{"region": fmt.Sprint("region", i)},
		})
	}
	return engine, &matrix.Input{
		Servers:    []*matrix.Server{{Name: "s", Inventory: inventories[0], Profile: profile}},
		Principals: people, Decider: engine, Class: engine.Class,
	}
}
