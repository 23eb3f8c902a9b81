package cerbosbin_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
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

// dial starts a PDP over the policies of a fixture.
func dial(t *testing.T, f *fixture.Fixture) *remote.PDP {
	t.Helper()
	pdp, err := remote.Dial(t.Context(), cerbosbin.Serve(t, f.Policies, f.Conf), remote.Options{Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pdp.Close() })
	return pdp
}

// TestRemoteUncovered takes the policy away that the hooks of Claude Code are decided by: what
// no policy covers is open there, whichever engine says so.
func TestRemoteUncovered(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(fixture.Dir("synapse"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "policies", "pre_tool_use.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(data, []byte("resource: PreToolUse"), []byte("resource: PostToolUse"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	f := fixture.Load(t, dir)
	for name, m := range map[string]*matrix.Matrix{"embedded": f.Matrix(t, f.Engine), "remote": f.Matrix(t, dial(t, f))} {
		calls := 0
		for _, c := range m.Classes {
			for _, col := range m.Columns {
				if cell := m.Cell(c, col); col.Operation == authz.Call {
					calls++
					if cell.Access != matrix.Unguarded || !cell.NoPolicy {
						t.Errorf("%s: %s %v %s is %v, no policy: %v", name, c.First().Key, col.Operation, col.Item.Name, cell.Access, cell.NoPolicy)
					}
				}
			}
		}
		if calls == 0 {
			t.Errorf("%s: no calls", name)
		}
	}
}

// madeOfOpen reports whether a request of a column is made of what is open, or sent only where
// that allows it.
func madeOfOpen(col *matrix.Column, who *authz.Principal) bool {
	return slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool {
		if r.By != nil {
			r.Principal = who
			sent, refusal := r.Sent()
			if r = sent; refusal != nil {
				return false
			}
		}
		return !r.Needs.IsZero() || r.Unknown != nil && slices.ContainsFunc(r.Made, func(m authz.Made) bool { return !m.OfPrincipal() })
	})
}

// TestRemoteMatrix builds the matrix of each fixture through a PDP, and
// compares it with the embedded engine's cell by cell.
func TestRemoteMatrix(t *testing.T) {
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			f := fixture.Load(t, fixture.Dir(name))
			want, got := f.Matrix(t, f.Engine), f.Matrix(t, dial(t, f))
			cells, conditions := 0, 0
			for i, c := range want.Classes {
				for j, col := range want.Columns {
					a, b := want.Cell(c, col), got.Cell(got.Classes[i], got.Columns[j])
					cells++
					if madeOfOpen(col, c.First()) {
						if b.Access != matrix.Conditional || b.Condition.Written() {
							t.Errorf("%s %v %s: %v, which a PDP is not asked about", c.First().Key, col.Operation, col.Item.Name, b.Access)
						}
						continue
					}
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
