package workspace

import (
	"context"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// Diff says what changed in access since a base, which is nil if there was none: by the
// embedded engine over the policies of each, with the clock of w on both sides if it is
// pinned, and at any time otherwise.
func (w *Workspace) Diff(ctx context.Context, base *Workspace) (*diff.Result, error) {
	return w.diff(ctx, base, nil, nil)
}

// diff is Diff with the matrices as far as they are decided.
func (w *Workspace) diff(ctx context.Context, base *Workspace, is, was *matrix.Matrix) (*diff.Result, error) {
	in := &diff.Input{Solver: solver.New(w.Engine.Leaves()), Now: w.o.Now, Start: w.Now}
	var g errgroup.Group
	g.Go(func() (err error) {
		defer Guard(&err)
		in.Head, err = w.side(ctx, is)
		return err
	})
	if base != nil {
		g.Go(func() (err error) {
			defer Guard(&err)
			in.Base, err = base.side(ctx, was)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	_, end := w.o.Progress.begin("comparing")
	defer end()
	return diff.Compare(ctx, in)
}

// side returns what is compared, and decides everything unless it is decided.
func (w *Workspace) side(ctx context.Context, m *matrix.Matrix) (*diff.Side, error) {
	if m == nil {
		var err error
		if m, err = w.decided(ctx, w.Engine); err != nil {
			return nil, err
		}
	}
	if err := Stable(m, m.Columns); err != nil {
		return nil, err
	}
	parsed := map[*policy.Schema]*source.Node{}
	return &diff.Side{
		Config: w.Config, Matrix: m, Policies: w.Policies,
		Outline: w.outlineOf, File: w.policyFile,
		Attributes: func(col *matrix.Column) *source.Node { return w.principalSchema(col, parsed) },
	}, nil
}

// outlineOf returns the matrix of servers, of which nothing is decided.
func (w *Workspace) outlineOf(servers []*matrix.Server) *matrix.Matrix {
	return matrix.New(&matrix.Input{Servers: servers, Classes: w.classes, Decider: w.Engine, Policies: w.Policies})
}

// policyFile returns what stands in a file of the policies, nil if that cannot be had.
func (w *Workspace) policyFile(file string) *source.Node {
	name := file
	if prefix := path.Clean(w.engine.Prefix); prefix != "." {
		name = strings.TrimPrefix(file, prefix+"/")
	}
	data, err := source.ReadFile(w.policyFS, name)
	if err != nil {
		return nil
	}
	if path.Ext(name) == ".json" {
		if root, err := source.ParseJSON(file, data); err == nil {
			return root
		}
	}
	docs, err := source.ParseYAML(file, data)
	if err != nil || len(docs) != 1 {
		return nil
	}
	return docs[0]
}
