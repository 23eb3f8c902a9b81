package cerbosbin_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/inventories"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/pep"
)

// A madeWorld is one generated file: what is in it, and what was read of it.
type madeWorld struct {
	text    []byte
	servers []inventories.Server
	read    []*manifest.Inventory
}

// kind is the resource kind of a server: no two of all worlds share one.
func kind(world int, server string) string { return fmt.Sprintf("w%d_%s", world, server) }

// TestDifferentialContainers has the official PDP decide the calls of every tool
// that was put into a container, and compares them with the cells of the matrix
// that is made of what was read from it.
func TestDifferentialContainers(t *testing.T) {
	var worlds []madeWorld
	dir := t.TempDir()
	for i := range rounds.Of(100, 1500) {
		m := inventories.New(1_000_000 + i)
		_, v, servers := m.Container()
		w := madeWorld{text: m.Text(v), servers: servers}
		var err error
		if w.read, err = manifest.Parse("made", w.text); err != nil {
			t.Fatalf("world %d: %v\n%s", i, err, w.text)
		}
		worlds = append(worlds, w)
		for _, s := range servers {
			write(t, filepath.Join(dir, kind(i, s.Name)+".yaml"), policyFor(m, kind(i, s.Name), s))
		}
	}
	people := []*authz.Principal{
		{Key: "sales", ID: "sales", Roles: []string{"SALES"}},
		{Key: "both", ID: "both", Roles: []string{"SALES", "STAFF"}},
		{Key: "staff", ID: "staff", Roles: []string{"STAFF"}},
		{Key: "guest", ID: "guest", Roles: []string{"GUEST"}},
	}
	cells := cellsOf(t, dir, worlds, people)
	remote, err := remote.Dial(t.Context(), cerbosbin.Serve(t, dir, nil), remote.Options{Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = remote.Close() })
	var requests []authz.Request
	for i, w := range worlds {
		for _, s := range w.servers {
			for _, it := range s.Items {
				for _, p := range people {
					if it.Type == authz.ToolItem {
						requests = append(requests, authz.Request{Principal: p, Action: it.Name, Resource: authz.Resource{Kind: kind(i, s.Name), ID: "session"}})
					}
				}
			}
		}
	}
	decisions, err := remote.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	differ, allowed := 0, 0
	for i, d := range decisions {
		r := requests[i]
		want := map[authz.Effect]string{authz.Allow: "allowed", authz.Deny: "denied"}[d.Effect]
		if want == "allowed" {
			allowed++
		}
		if got := cells[cellKey{r.Resource.Kind, r.Action, r.Principal.Key}]; got != want {
			differ++
			t.Errorf("%s on %s for %s: the matrix has %q, the PDP %s", r.Action, r.Resource.Kind, r.Principal.Key, got, want)
		}
	}
	if len(cells) != len(decisions) || allowed == 0 || allowed == len(decisions) {
		t.Errorf("%d cells and %d decisions, of which %d allow", len(cells), len(decisions), allowed)
	}
	t.Logf("%d decisions, %d differ", len(decisions), differ)
}

// policyFor allows and denies some of the tools of a server.
func policyFor(m *inventories.Maker, kind string, s inventories.Server) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: %s\n  version: default\n  rules:\n", kind)
	for i, it := range s.Items {
		if it.Type == authz.ToolItem && (i == 0 || m.IntN(10) < 7) {
			fmt.Fprintf(&b, "    - {actions: [%s], effect: EFFECT_%s, roles: [%s]}\n", it.Name, anyOf(m, "ALLOW", "ALLOW", "DENY"), anyOf(m, "SALES", "STAFF"))
		}
	}
	fmt.Fprintf(&b, "    - {actions: [%q], effect: EFFECT_ALLOW, roles: [STAFF]}\n", anyOf(m, "get_*", "*_mail*", "delete_*", "send_*"))
	return b.String()
}

func anyOf(m *inventories.Maker, of ...string) string { return of[m.IntN(len(of))] }

type cellKey struct{ kind, tool, principal string }

// cellsOf decides the calls of all that was read with the embedded engine.
func cellsOf(t *testing.T, dir string, worlds []madeWorld, people []*authz.Principal) map[cellKey]string {
	t.Helper()
	engine, err := embedded.Open(t.Context(), os.DirFS(dir), pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := &matrix.Input{Principals: people, Decider: engine}
	kinds := map[*matrix.Server]string{}
	for i, w := range worlds {
		for _, inv := range w.read {
			k := kind(i, inv.Server)
			profile, err := pep.New("tool-as-action", inv.Server, pep.With{ResourceKind: k}, inv.FastMCP)
			if err != nil {
				t.Fatal(err)
			}
			s := &matrix.Server{Name: k, Inventory: inv, Profile: profile}
			in.Servers, kinds[s] = append(in.Servers, s), k
		}
	}
	m, err := matrix.Build(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	cells := map[cellKey]string{}
	for _, col := range m.Columns {
		if col.Item.Type != authz.ToolItem || col.Operation != authz.Call {
			continue
		}
		for _, p := range people {
			key := cellKey{kinds[col.Server], col.Item.Name, p.Key}
			if _, twice := cells[key]; twice {
				t.Errorf("%v is there twice", key)
			}
			cells[key] = m.Cell(m.ClassOf(p.Key), col).Access.String()
		}
	}
	return cells
}
