package cerbosbin_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cerbos/cerbos-sdk-go/cerbos"
	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/pep"
)

// BenchmarkRemote builds the matrix of 200 tools and 50 principals through a
// PDP, in turn with a bare loop over the SDK that makes the same decisions: a
// check of what is known, in batches, and a plan for each call. The loop has
// the batch size and the concurrency that suit it best. The ratio is of the
// decisions a second, the median of the pairs. How fast the loop is when it only
// checks calls without arguments, which is not what a matrix asks, is told too.
func BenchmarkRemote(b *testing.B) {
	in, dir := largeWorld(b, 200, 50)
	addr := cerbosbin.Serve(b, dir, nil)
	remote, err := remote.Dial(b.Context(), addr, remote.Options{Plaintext: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = remote.Close() })
	in.Decider = remote
	client, err := cerbos.New(addr, cerbos.WithPlaintext())
	if err != nil {
		b.Fatal(err)
	}
	questions := questionsOf(matrix.New(in))
	decisions := float64(len(questions) * len(in.Principals))

	checks := slices.Clone(questions)
	for i := range checks {
		checks[i].Unknown = nil
	}
	best, bestChecks := tuned(b, client, questions, in.Principals), tuned(b, client, checks, in.Principals)
	var ratios, ours, theirs, checked []float64
	for b.Loop() {
		start := time.Now()
		m, err := matrix.Build(b.Context(), in)
		if err != nil {
			b.Fatal(err)
		}
		if float64(m.Decisions) != decisions {
			b.Fatalf("%d decisions, the loop makes %v", m.Decisions, decisions)
		}
		middle := time.Now()
		best.run(b, client, questions, in.Principals)
		end := time.Now()
		bestChecks.run(b, client, checks, in.Principals)
		a, z := middle.Sub(start).Seconds(), end.Sub(middle).Seconds()
		ratios, ours, theirs = append(ratios, z/a), append(ours, decisions/a), append(theirs, decisions/z)
		checked = append(checked, decisions/time.Since(end).Seconds())
	}
	b.ReportMetric(median(ours), "decisions/s")
	b.ReportMetric(median(theirs), "sdk-decisions/s")
	b.ReportMetric(median(checked), "sdk-checks/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(float64(best.batch), "sdk-batch")
	b.ReportMetric(float64(best.concurrency), "sdk-concurrency")
}

// largeWorld has tools of which every third has a condition on its arguments,
// and principals of ten roles, all of different regions. It returns the folder
// of policies, too.
func largeWorld(b *testing.B, tools, people int) (in *matrix.Input, dir string) {
	b.Helper()
	var policies strings.Builder
	policies.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n    - {actions: [tools/list], effect: EFFECT_ALLOW, roles: [\"*\"]}\n")
	inventory := &manifest.Inventory{}
	for i := range tools {
		condition := ""
		if i%3 == 0 {
			condition = ", condition: {match: {expr: R.attr.arguments.region == P.attr.region}}"
		}
		fmt.Fprintf(&policies, "    - {actions: ['tools/list::tool_%d'], effect: EFFECT_ALLOW, roles: [role_%d]}\n", i, i%10)
		fmt.Fprintf(&policies, "    - {actions: ['tools/call::tool_%d'], effect: EFFECT_ALLOW, roles: [role_%d]%s}\n", i, i%10, condition)
		inventory.Items = append(inventory.Items, &manifest.Item{Type: authz.ToolItem, Name: fmt.Sprint("tool_", i)})
	}
	dir = b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.yaml"), []byte(policies.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	profile, err := pep.New("cerbos-fastmcp", "s", pep.With{}, "")
	if err != nil {
		b.Fatal(err)
	}
	in = &matrix.Input{Servers: []*matrix.Server{{Name: "s", Inventory: inventory, Profile: profile}}}
	for i := range people {
		key := fmt.Sprint("p", i)
		in.Principals = append(in.Principals, &authz.Principal{
			Key: key, ID: key, Roles: []string{fmt.Sprint("role_", i%10)}, Attr: map[string]any{"region": fmt.Sprint("region", i)},
		})
	}
	return in, dir
}

// tuned returns the loop that is the fastest over some of the principals.
func tuned(b *testing.B, client *cerbos.GRPCClient, questions []authz.Request, people []*authz.Principal) (best bareLoop) {
	b.Helper()
	fastest := time.Hour
	for _, batch := range []int{10, 25, 50} {
		for _, concurrency := range []int{2, 4, 8, 16, 32} {
			l := bareLoop{batch, concurrency}
			start := time.Now()
			l.run(b, client, questions, people[:10])
			if took := time.Since(start); took < fastest {
				best, fastest = l, took
			}
		}
	}
	return best
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// questionsOf returns the different requests of a matrix.
func questionsOf(m *matrix.Matrix) []authz.Request {
	type key struct{ id, action string }
	seen := map[key]bool{}
	var list []authz.Request
	for _, col := range m.Columns {
		for _, r := range col.Question.Requests {
			if k := (key{r.Resource.ID, r.Action}); !seen[k] {
				seen[k] = true
				list = append(list, r)
			}
		}
	}
	return list
}

// A bareLoop is what somebody writes who has only the SDK.
type bareLoop struct{ batch, concurrency int }

func (l bareLoop) run(b *testing.B, client *cerbos.GRPCClient, questions []authz.Request, people []*authz.Principal) {
	b.Helper()
	g, ctx := errgroup.WithContext(b.Context())
	g.SetLimit(l.concurrency)
	var known, unknown []authz.Request
	for _, q := range questions {
		if q.Unknown == nil {
			known = append(known, q)
		} else {
			unknown = append(unknown, q)
		}
	}
	for _, p := range people {
		principal := cerbos.NewPrincipal(p.ID, p.Roles...).WithAttributes(p.Attr)
		for some := range slices.Chunk(known, l.batch) {
			g.Go(func() error { return check(ctx, client, principal, some) })
		}
		for _, q := range unknown {
			g.Go(func() error {
				_, err := client.PlanResources(ctx, principal, resourceOf(q), q.Action)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}

func check(ctx context.Context, client *cerbos.GRPCClient, p *cerbos.Principal, requests []authz.Request) error {
	batch := cerbos.NewResourceBatch()
	for _, q := range requests {
		batch.Add(resourceOf(q), q.Action)
	}
	_, err := client.CheckResources(ctx, p, batch)
	return err
}

func resourceOf(q authz.Request) *cerbos.Resource {
	return cerbos.NewResource(q.Resource.Kind, q.Resource.ID).WithAttributes(q.Resource.Attr)
}
