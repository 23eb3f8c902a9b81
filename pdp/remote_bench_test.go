package pdp_test

import (
	"fmt"
	"testing"

	"github.com/cerbos/cerbos-sdk-go/cerbos"
	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// BenchmarkRemote asks what a matrix of 200 tools and 10 principals asks of a
// PDP, which a bare loop over the SDK asks too: a check of each list, in full
// batches, and a plan for each call.
func BenchmarkRemote(b *testing.B) {
	const tools, people, concurrency = 200, 10, 8
	addr := serve(b, policyDir(b, salesPolicy), nil)
	var principals []*authz.Principal
	for i := range people {
		principals = append(principals, &authz.Principal{Key: fmt.Sprint(i), ID: fmt.Sprint(i), Roles: []string{"SALES"}, Attr: map[string]any{"region": "EMEA"}})
	}
	b.Run("Decide", func(b *testing.B) {
		remote := dial(b, addr, pdp.RemoteOptions{Concurrency: concurrency})
		for b.Loop() {
			for _, p := range principals {
				var requests []authz.Request
				for i := range tools {
					r := authz.Request{Principal: p, Action: "list", Resource: authz.Resource{
						Kind: "mcp_server", ID: fmt.Sprint("tool", i), Attr: map[string]any{"tool_name": fmt.Sprint("tool", i), "arguments": map[string]any{}},
					}}
					call := r
					call.Action, call.Unknown = fmt.Sprint("call::", i), []string{"arguments"}
					call.Resource.Attr = map[string]any{"tool_name": fmt.Sprint("tool", i)}
					requests = append(requests, r, call)
				}
				decide(b, remote, requests)
			}
		}
		b.ReportMetric(float64(b.N*tools*people*2)/b.Elapsed().Seconds(), "decisions/s")
	})
	b.Run("SDK", func(b *testing.B) {
		client, err := cerbos.New(addr, cerbos.WithPlaintext())
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			for _, p := range principals {
				principal := cerbos.NewPrincipal(p.ID, p.Roles...).WithAttributes(p.Attr)
				var g errgroup.Group
				g.SetLimit(concurrency)
				for start := 0; start < tools; start += 50 {
					g.Go(func() error {
						batch := cerbos.NewResourceBatch()
						for i := start; i < start+50; i++ {
							batch.Add(cerbos.NewResource("mcp_server", fmt.Sprint("tool", i)).WithAttr("tool_name", fmt.Sprint("tool", i)).WithAttr("arguments", map[string]any{}), "list")
						}
						_, err := client.CheckResources(b.Context(), principal, batch)
						return err
					})
				}
				for i := range tools {
					g.Go(func() error {
						_, err := client.PlanResources(b.Context(), principal, cerbos.NewResource("mcp_server", "t").WithAttr("tool_name", fmt.Sprint("tool", i)), fmt.Sprint("call::", i))
						return err
					})
				}
				if err := g.Wait(); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.N*tools*people*2)/b.Elapsed().Seconds(), "decisions/s")
	})
}
