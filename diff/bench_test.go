package diff_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mcpolicy/mcpolicy/workspace"
)

func github(b *testing.B) *workspace.Workspace {
	b.Helper()
	w, err := workspace.Open(b.Context(), os.DirFS(filepath.Join("..", "fixtures", "github")), workspace.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// BenchmarkMatrix is what BenchmarkDiff is measured against: one side, read and decided.
func BenchmarkMatrix(b *testing.B) {
	for b.Loop() {
		if _, err := github(b).Matrix(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDiff reads and decides two sides that are the same, and compares them.
func BenchmarkDiff(b *testing.B) {
	for b.Loop() {
		r, err := github(b).Diff(b.Context(), github(b))
		if err != nil || r.Differs() {
			b.Fatal(err)
		}
	}
}
