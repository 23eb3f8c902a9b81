package workspace_test

import (
	"os"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// BenchmarkMutate holds the mutants of fixtures against their suites and tells apart what
// those do not kill: what `mcpolicy mutate` does but for reading files and opening the engine.
func BenchmarkMutate(b *testing.B) {
	for _, name := range []string{"quickstart", "insecure", "github"} {
		b.Run(name, func(b *testing.B) {
			mutants := 0
			for b.Loop() {
				b.StopTimer()
				w, err := workspace.Open(b.Context(), os.DirFS(fixture.Dir(name)[len("../"):]), workspace.Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				r, err := w.Mutate(b.Context(), &workspace.Mutating{})
				if err != nil {
					b.Fatal(err)
				}
				mutants += len(r.Outcomes)
			}
			b.ReportMetric(float64(mutants)/b.Elapsed().Seconds(), "mutants/s")
		})
	}
}
