package workspace_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/accesslock"
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/workspace"
)

var packs = filepath.Join("..", "policies", "packs")

// long is for make packs: what takes minutes.
var long = os.Getenv("MCPOLICY_LONG") != ""

// largestPack is the one whose coverage takes as long as that of all others; it is measured by
// make packs.
const largestPack = "github"

// packNames lists the folders of packs, of which there are at least ten.
func packNames(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(packs)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, e.Name())
		}
	}
	if len(list) < 10 {
		t.Fatalf("there are %d packs, and ten are promised: %q", len(list), list)
	}
	return list
}

func openPack(t *testing.T, folder fs.FS) *workspace.Workspace {
	t.Helper()
	w, err := workspace.Open(t.Context(), folder, workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// TestPacks holds every pack to what policies/packs/README.md promises of it.
func TestPacks(t *testing.T) {
	for _, name := range packNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(packs, name)
			for _, file := range []string{"README.md", "mcpolicy.yaml", "manifest.json", "principals.yaml", "mcpolicy.lock.yaml", "policies", "suites/access.yaml", "suites/conditions.yaml", "suites/everyone.yaml", "suites/intent.yaml"} {
				if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err != nil {
					t.Error(err)
				}
			}
			w := openPack(t, os.DirFS(dir))
			c := workspace.Everything()
			if !testing.Short() && (long || name != largestPack) {
				c.Coverage = &workspace.Coverage{Thresholds: testcoverage.Thresholds{testcoverage.Rule: 100, testcoverage.MCDC: 100}}
			}
			d, err := w.Check(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if d.Doubt != nil {
				t.Error(d.Doubt)
			}
			for _, f := range d.Findings {
				if f.Severity > authz.SeverityNote && !f.Waived {
					t.Errorf("%v: %v %s: %s", f.Pos, f.Severity, f.Rule, f.Message)
				}
			}
			if n := d.Tests.Counts(); n.Passed == 0 || n.Failed+n.Skipped > 0 {
				t.Errorf("%d cases passed, %d failed, %d were skipped", n.Passed, n.Failed, n.Skipped)
			}
			if d.Lock == nil || len(d.Lock.Changes) > 0 {
				t.Error("the lock does not hold: mcpolicy lock")
			}
			if d.Fails(authz.SeverityWarning) {
				t.Error("mcpolicy check fails")
			}
			if d.Coverage != nil {
				for _, m := range d.Coverage.Missed {
					t.Errorf("the suites do not cover enough: %+v", m)
				}
				if d.Coverage.Proved == 0 {
					t.Error("nothing is proved of everybody")
				}
			}
			packNamesTools(t, w)
			packTellsVersion(t, dir)
			out, err := exec.CommandContext(t.Context(), cerbosbin.Path(t), "compile", filepath.Join(dir, "policies")).CombinedOutput() //nolint:gosec // the pinned binary
			if err != nil {
				t.Errorf("cerbos compile: %v\n%s", err, out)
			}
		})
	}
}

// packNamesTools holds that rules name tools that there are, each by itself, that every tool is
// named, and that nobody's words but the pack's own stand in the inventory.
func packNamesTools(t *testing.T, w *workspace.Workspace) {
	t.Helper()
	var tools, called []string
	for _, s := range w.Servers {
		for _, item := range s.Inventory.Items {
			if item.Type != authz.ToolItem {
				t.Errorf("%v: packs are about tools", item.Pos)
			}
			if item.Description != "" {
				t.Errorf("%v: a description", item.Pos)
			}
			tools = append(tools, item.Name)
		}
	}
	for _, p := range w.Policies.Policies {
		for _, r := range p.Rules {
			for _, a := range r.Actions {
				if strings.ContainsAny(a.Value, "*?[{") {
					t.Errorf("%v: %s is a pattern", a.Pos, a.Value)
				}
				if name, ok := strings.CutPrefix(a.Value, "tools/call::"); ok {
					called = append(called, name)
				}
			}
		}
	}
	slices.Sort(tools)
	slices.Sort(called)
	if diff := cmp.Diff(tools, slices.Compact(called)); len(tools) == 0 || diff != "" {
		t.Errorf("tools of the inventory, and those that rules name (-have +named):\n%s", diff)
	}
}

// packTellsVersion holds that the page says where the names come from.
func packTellsVersion(t *testing.T, dir string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nTool names from: ", "\n## Who may do what\n", "\n## What the policies cannot see\n"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("README.md has no %q", strings.TrimSpace(want))
		}
	}
	index, err := os.ReadFile(filepath.Join(packs, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(index), "("+filepath.Base(dir)+"/README.md)") {
		t.Errorf("policies/packs/README.md does not name %s", filepath.Base(dir))
	}
}

// TestPackMutants holds that nine in ten mistakes in the policies of a pack fail a case: of some
// mistakes each time, and with MCPOLICY_LONG of all.
func TestPackMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("suites are run against mistakes in the policies")
	}
	sample := 16
	if long {
		sample = 0
	}
	for _, name := range packNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := openPack(t, os.DirFS(filepath.Join(packs, name)))
			r, err := w.Mutate(t.Context(), &workspace.Mutating{Sample: sample, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			n := r.Counts()
			score, counts := n.Score()
			if !counts || score < 90 {
				t.Errorf("%g percent of %d mutants are killed", score, n.Of())
			}
			t.Logf("%d mutants of %d: %g percent of the %d that count are killed", len(r.Outcomes), r.Made, score, n.Of())
		})
	}
}

// TestPackKnowsWhatIsNew holds that a pack beside what a server offers later tells what came,
// what went and what is said otherwise, that nobody may use what came, and that a check says so.
func TestPackKnowsWhatIsNew(t *testing.T) {
	if testing.Short() {
		t.Skip("each pack is compared with what its server may offer later")
	}
	for _, name := range packNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, later := os.DirFS(filepath.Join(packs, name)), fstest.MapFS{}
			err := fs.WalkDir(base, ".", func(file string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				data, err := fs.ReadFile(base, file)
				later[file] = &fstest.MapFile{Data: data}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			var inventory struct {
				Tools []map[string]any `json:"tools"`
			}
			if err := json.Unmarshal(later["manifest.json"].Data, &inventory); err != nil {
				t.Fatal(err)
			}
			offer := func() fs.FS {
				t.Helper()
				data, err := json.Marshal(inventory)
				if err != nil {
					t.Fatal(err)
				}
				later["manifest.json"] = &fstest.MapFile{Data: data}
				return later
			}
			first := inventory.Tools[0]
			gone, _ := first["name"].(string)
			inventory.Tools[1]["description"] = "Said otherwise."
			said, _ := inventory.Tools[1]["name"].(string)
			inventory.Tools = append(inventory.Tools[1:], map[string]any{"name": "brand_new_tool", "inputSchema": map[string]any{"type": "object"}})
			r, err := openPack(t, offer()).Diff(t.Context(), openPack(t, base))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range r.Items {
				got = append(got, x.Change+" "+x.Item.Name)
			}
			slices.Sort(got)
			if diff := cmp.Diff([]string{"added brand_new_tool", "description " + said, "removed " + gone}, got); diff != "" {
				t.Errorf("items that changed (-want +got):\n%s", diff)
			}
			if r.Widens() {
				t.Error("somebody may use what is new")
			}
			if name == largestPack && !long {
				return
			}
			inventory.Tools = append(inventory.Tools, first) // suites speak of it
			d, err := openPack(t, offer()).Check(t.Context(), workspace.Checks{Lint: &workspace.Rules{}, Lock: true})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(d.Findings, func(f lint.Finding) bool { return f.Rule == "tool-without-rule" }) {
				t.Error("no rule is missed")
			}
			if !slices.ContainsFunc(d.Lock.Changes, func(c accesslock.Change) bool { return c.Kind == accesslock.NewItem }) {
				t.Error("the lock holds")
			}
		})
	}
}
