package report_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// load builds the matrix of a folder with an mcpolicy.yaml, as the command
// does, with the real engine.
func load(tb testing.TB, dir ...string) *matrix.Matrix {
	tb.Helper()
	m, err := build(tb.Context(), os.DirFS(filepath.Join(dir...)), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// fixture is load of one of the project's fixtures.
func fixture(tb testing.TB, name string) *matrix.Matrix {
	tb.Helper()
	return load(tb, "..", "fixtures", name)
}

// reversed is the office with its principals in the opposite order.
func reversed(tb testing.TB) *matrix.Matrix {
	tb.Helper()
	m, err := build(tb.Context(), os.DirFS(filepath.Join("testdata", "office")), slices.Reverse)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// build builds the matrix of a folder. Arrange, if set, orders the principals.
func build(ctx context.Context, fsys fs.FS, arrange func([]*authz.Principal)) (*matrix.Matrix, error) {
	w, err := workspace.Open(ctx, fsys, workspace.Options{Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return nil, err
	}
	people := w.Principals.Principals
	if arrange != nil {
		arrange(people)
	}
	return matrix.Build(ctx, &matrix.Input{
		Servers: w.Servers, Principals: people, Decider: w.Engine, Class: w.Engine.Class, Policies: w.Policies,
	})
}
