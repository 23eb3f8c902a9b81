package testcoverage_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata")

// describe writes what is covered, a line a point; cells only if they are.
func describe(c *testcoverage.Coverage) string {
	var b strings.Builder
	for i := range c.Points {
		p := &c.Points[i]
		if p.Kind == testcoverage.Cell && p.State != testcoverage.Covered {
			continue
		}
		fmt.Fprintf(&b, "%s %d %s: %v", p.Kind, p.Pos.Line, p.Title(), p.State)
		switch {
		case p.Unknown:
			b.WriteString(", unknown")
		case p.Kind == testcoverage.Rule && p.State == testcoverage.Covered && !p.Decisive:
			b.WriteString(", not decisive")
		}
		if p.Redundant {
			b.WriteString(", redundant")
		}
		if s := p.Lacks(); s != "" {
			b.WriteString(", " + s)
		}
		for k := range p.Want {
			if p.Kind != testcoverage.Cell {
				b.WriteString("\n  " + p.Want[k].String())
			}
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%d allowed, %d denied by a rule, %d by default, %d conditional, %d proved\n", c.Allowed, c.ByRule, c.ByDefault, c.Conditional, c.Proved)
	return b.String()
}

// unpacked returns the files of an archive, and what is right.
func unpacked(data []byte) (folder fstest.MapFS, want string) {
	folder = fstest.MapFS{}
	for _, f := range txtar.Parse(data).Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		folder[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return folder, want
}

// TestAtAnotherTime holds that what can be covered is the same at any time of the day, though
// what shows it differs.
func TestAtAnotherTime(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "clock.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	folder, _ := unpacked(data)
	for _, late := range []bool{false, true} {
		if late { // a rule that never applies in the morning
			folder["policies/garden.yaml"].Data = slices.Concat(folder["policies/garden.yaml"].Data, []byte(`
    - {name: late, actions: ["tools/call::uproot"], effect: EFFECT_ALLOW, roles: [GARDENER], condition: {match: {expr: now().getHours() > 20}}}
`))
		}
		var first []string
		for _, hour := range []int{3, 12, 22} {
			_, d := measuredAt(t, folder, time.Date(2026, 5, 1, hour, 30, 0, 0, time.UTC))
			var states []string
			for _, p := range d.Coverage.Points {
				if p.Kind != testcoverage.Cell {
					states = append(states, fmt.Sprintf("%s %d %s: %v", p.Kind, p.Pos.Line, p.Title(), p.State))
				}
			}
			if first == nil {
				first = states
			}
			if diff := cmp.Diff(first, states); diff != "" {
				t.Errorf("late %t, at %d (-at 3 +at %d):\n%s", late, hour, hour, diff)
			}
		}
	}
}

// TestKinds holds what is covered in small worlds, each an archive, to what is right.
func TestKinds(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			folder, want := unpacked(data)
			w, d := measured(t, folder)
			if diff := cmp.Diff(want, describe(d.Coverage)); diff != "" && *update {
				ar := txtar.Parse(data)
				ar.Files[len(ar.Files)-1].Data = []byte(describe(d.Coverage))
				if err := os.WriteFile(file, txtar.Format(ar), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
			again, err := w.Check(t.Context(), workspace.Checks{Tests: &testrunner.Filter{}, Coverage: &workspace.Coverage{}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(describe(d.Coverage), describe(again.Coverage)); diff != "" {
				t.Errorf("a second time (-first +second):\n%s", diff)
			}
		})
	}
}

// TestNothingAsserted holds that what did not pass, or was skipped, covers nothing.
func TestNothingAsserted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]string{
		"failed":  "{name: x, principals: [ann], call: {deny: [pump]}}",
		"skipped": "{name: x, skip: true, skipReason: later, principals: [ann], call: {allow: [pump]}}",
	} {
		w := &randomWorld{role: &node{atom: whoAtom}, rules: []*randomRule{{effect: "ALLOW", roles: "roles: [hand]"}}}
		files := w.files()
		files["tests/s.yaml"].Data = []byte("name: s\nserver: plant\ntests:\n  - " + test + "\n")
		opened, err := fixture.Open(t.Context(), files, "", workspace.Options{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := opened.Check(t.Context(), workspace.Checks{Tests: &testrunner.Filter{}, Coverage: &workspace.Coverage{}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range d.Coverage.Points {
			if p := &d.Coverage.Points[i]; p.State == testcoverage.Covered {
				t.Errorf("%s: %s is covered", name, p.Title())
			}
		}
	}
}
