package workspace

import (
	"context"
	"path"
	"strings"

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
	var err error
	if in.Head, err = w.side(is); err != nil {
		return nil, err
	}
	if base != nil {
		if in.Base, err = base.side(was); err != nil {
			return nil, err
		}
	}
	_, end := w.o.Progress.begin("comparing")
	defer end()
	return diff.Compare(ctx, in)
}

// side returns what is compared, of which nothing need be decided.
func (w *Workspace) side(m *matrix.Matrix) (*diff.Side, error) {
	progress := func(int, int) {}
	if m == nil {
		var err error
		if m, err = w.outline(w.Servers, w.Engine, func(done, total int) { progress(done, total) }); err != nil {
			return nil, err
		}
	}
	decide := func(ctx context.Context, columns []*matrix.Column) error {
		report, end := w.o.Progress.begin("deciding")
		defer end()
		progress = report
		if err := m.Decide(ctx, columns); err != nil {
			return err
		}
		return Stable(m, columns)
	}
	parsed := map[*policy.Schema]*source.Node{}
	return &diff.Side{
		Config: w.Config, Matrix: m, Decide: decide, Policies: w.Policies,
		Outline: w.outlineOf, File: w.policyFile,
		Attributes: func(col *matrix.Column) *source.Node { return w.principalSchema(col, parsed) },
	}, nil
}

// outlineOf returns the matrix of servers, of which nothing is decided.
func (w *Workspace) outlineOf(servers []*matrix.Server) *matrix.Matrix {
	return matrix.New(&matrix.Input{Servers: servers, Classes: w.classes, Decider: w.Engine, Policies: w.Policies})
}

// below returns the name of a file of the policies within their folder.
func (w *Workspace) below(file string) string {
	if prefix := path.Clean(w.engine.Prefix); prefix != "." {
		return strings.TrimPrefix(file, prefix+"/")
	}
	return file
}

// policyFile returns what stands in a file of the policies, nil if that cannot be had.
func (w *Workspace) policyFile(file string) *source.Node {
	root, err := w.readPolicy(file)
	if err != nil {
		return nil
	}
	return root
}

// readPolicy reads a file of the policies again.
func (w *Workspace) readPolicy(file string) (*source.Node, error) {
	name := w.below(file)
	data, err := source.ReadFile(w.policyFS, name)
	if err != nil {
		return nil, source.Errorf(source.Pos{File: file}, "read the policies again: %w", err)
	}
	if path.Ext(name) == ".json" {
		if root, err := source.ParseJSON(file, data); err == nil {
			return root, nil
		}
	}
	docs, err := source.ParseYAML(file, data)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, source.Errorf(source.Pos{File: file}, "%d YAML documents stand here, which a policy has one of", len(docs))
	}
	return docs[0], nil
}
