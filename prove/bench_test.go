package prove_test

import (
	"os"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// BenchmarkGithub proves the ten invariants of fixtures/github, of 114 tools and all
// roles, and beside it builds the matrix of its principals: the ratio counts.
func BenchmarkGithub(b *testing.B) {
	open := func(b *testing.B) *workspace.Workspace {
		w, err := workspace.Open(b.Context(), os.DirFS(fixture.Dir("github")[len("../"):]), workspace.Options{})
		if err != nil {
			b.Fatal(err)
		}
		return w
	}
	b.Run("matrix", func(b *testing.B) {
		for b.Loop() {
			if _, err := open(b).Matrix(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("prove", func(b *testing.B) {
		for b.Loop() {
			w := open(b)
			m, err := w.Outline()
			if err != nil {
				b.Fatal(err)
			}
			r, err := w.Test(b.Context(), m, testrunner.Filter{Claims: true})
			if err != nil {
				b.Fatal(err)
			}
			if n := r.Counts(); n.Passed == 0 || n.Failed > 0 {
				b.Fatalf("%+v", n)
			}
		}
	})
}
