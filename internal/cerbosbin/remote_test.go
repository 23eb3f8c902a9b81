package cerbosbin_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// fixtures returns the folders below fixtures.
func fixtures(t *testing.T) []string {
	t.Helper()
	configs, err := filepath.Glob(filepath.Join("..", "..", "fixtures", "*", "mcpolicy.yaml"))
	if err != nil || len(configs) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var names []string
	for _, c := range configs {
		names = append(names, filepath.Base(filepath.Dir(c)))
	}
	return names
}

// oneOf is a list of one, which the planner writes as an equation.
var oneOf = regexp.MustCompile(` in \[([^],]+)\]`)

// TestRemoteMatrix builds the matrix of each fixture through a PDP, and
// compares it with the embedded engine's cell by cell.
func TestRemoteMatrix(t *testing.T) {
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			f := fixture.Load(t, fixture.Dir(name))
			remote, err := remote.Dial(t.Context(), cerbosbin.Serve(t, f.Policies, f.Conf), remote.Options{Plaintext: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = remote.Close() })
			want, got := f.Matrix(t, f.Engine), f.Matrix(t, remote)
			cells, conditions := 0, 0
			for i, c := range want.Classes {
				for j, col := range want.Columns {
					a, b := want.Cell(c, col), got.Cell(got.Classes[i], got.Columns[j])
					cells++
					if a.Settlement.Settled() { // a plan cannot be
						open := *a
						open.Access, open.Condition = matrix.Conditional, a.Open()
						a = &open
					}
					if a.Access != b.Access || a.NoPolicy != b.NoPolicy {
						t.Errorf("%s %v %s: embedded %v %q (no policy: %v), remote %v %q (%v)",
							c.First().Key, col.Operation, col.Item.Name, a.Access, a.Condition, a.NoPolicy, b.Access, b.Condition, b.NoPolicy)
					}
					// What a plan has as "and not" may come from a DENY or
					// from an ALLOW; only the embedded engine tells them apart.
					if a.Access == matrix.Conditional && !strings.Contains(a.Condition.String(), "unless") {
						conditions++
						if oneOf.ReplaceAllString(a.Condition.String(), " == $1") != b.Condition.String() {
							t.Errorf("%s %v %s: embedded %q, remote %q", c.First().Key, col.Operation, col.Item.Name, a.Condition, b.Condition)
						}
					}
				}
			}
			if cells == 0 {
				t.Error("nothing was compared")
			}
			t.Logf("%d cells, %d conditions", cells, conditions)
		})
	}
}
