package workspace

import (
	"context"
	"errors"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// Matrix decides everything.
func (w *Workspace) Matrix(ctx context.Context) (*matrix.Matrix, error) {
	return w.decided(ctx, w.Servers, w.Decider)
}

func (w *Workspace) decided(ctx context.Context, servers []*matrix.Server, decider pdp.Decider) (*matrix.Matrix, error) {
	report, end := w.o.Progress.begin("deciding")
	defer end()
	m, err := w.outline(servers, decider, report)
	if err != nil {
		return nil, err
	}
	return m, m.Decide(ctx, m.Columns)
}

// Outline returns the matrix of everything, of which nothing is decided yet.
func (w *Workspace) Outline() (*matrix.Matrix, error) {
	return w.outline(w.Servers, w.Decider, nil)
}

func (w *Workspace) outline(servers []*matrix.Server, decider pdp.Decider, progress func(done, total int)) (*matrix.Matrix, error) {
	items := 0
	for _, s := range servers {
		items += len(s.Inventory.Items)
	}
	if items == 0 {
		return nil, errors.New("nothing to check: no server has a tool, a prompt or a resource")
	}
	return matrix.New(&matrix.Input{
		Servers: servers, Classes: w.classes, Decider: decider,
		Policies: w.Policies, Progress: progress,
	}), nil
}

// matrixOf builds the matrix of one item and one principal.
func (w *Workspace) matrixOf(ctx context.Context, s *matrix.Server, item *manifest.Item, p *authz.Principal) (*matrix.Matrix, error) {
	inventory := *s.Inventory
	inventory.Items = []*manifest.Item{item}
	one := &matrix.Server{Name: s.Name, Inventory: &inventory, Profile: s.Profile}
	return matrix.Build(ctx, &matrix.Input{
		Servers: []*matrix.Server{one}, Principals: []*authz.Principal{p}, Decider: w.Decider, Policies: w.Policies,
	})
}
