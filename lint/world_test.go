package lint_test

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// now is the time of all tests.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A world is a folder as the command would load it. Its principals may be changed.
type world struct {
	*workspace.Workspace
	servers    []*matrix.Server
	principals []*authz.Principal
	engine     *embedded.Engine
}

// load reads a folder, as fixture.Open does.
func load(ctx context.Context, fsys fs.FS) (*world, error) {
	w, err := fixture.Open(ctx, fsys, lint.Principals, workspace.Options{Now: now, AcceptIncomplete: true})
	if err != nil {
		return nil, err
	}
	return &world{w, w.Servers, w.Principals.Principals, w.Engine}, nil
}

// build decides the world's matrix.
func (w *world) build(ctx context.Context) (*matrix.Matrix, error) {
	return matrix.Build(ctx, &matrix.Input{
		Servers: w.servers, Principals: w.principals, Decider: w.engine, Class: w.ClassOf(w.engine), Policies: w.Policies,
	})
}

// input is what the world gives to lint.
func (w *world) input(ctx context.Context) (*lint.Input, error) {
	m, err := w.build(ctx)
	if err != nil {
		return nil, err
	}
	tests, err := w.Test(ctx, m, testrunner.Filter{})
	return w.LintInput(m, tests), err
}

// options are those of the world's config, and these rules only.
func (w *world) options(t *testing.T, only ...string) lint.Options {
	t.Helper()
	o, err := w.LintOptions(workspace.Rules{Only: only})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// findings lints a folder.
func findings(ctx context.Context, fsys fs.FS, only ...string) ([]lint.Finding, error) {
	w, err := load(ctx, fsys)
	if err != nil {
		return nil, err
	}
	in, err := w.input(ctx)
	if err != nil {
		return nil, err
	}
	o, err := w.LintOptions(workspace.Rules{Only: only})
	if err != nil {
		return nil, err
	}
	return lint.Run(ctx, in, o)
}
