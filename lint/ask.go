package lint

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// cell returns what becomes of the operation: the matrix's cell, or where that
// is unguarded only because calls can be made as tasks, the decision on a
// plain call without arguments.
func (p *Pass) cell(c *matrix.Class, col *matrix.Column) *matrix.Cell {
	if cells := p.answers.direct[col]; cells != nil {
		return cells[c.Index]
	}
	return p.Matrix.Cell(c, col)
}

// askDirectly decides the plain calls that the matrix does not have, because
// they can be made as tasks.
func askDirectly(ctx context.Context, p *Pass) error {
	p.answers.direct = map[*matrix.Column][]*matrix.Cell{}
	for col := range p.calls() {
		if !col.Question.TaskOnly {
			continue
		}
		cells, err := askAll(ctx, p, col, p.index.Asked(col))
		if err != nil {
			return err
		}
		p.answers.direct[col] = cells
	}
	return nil
}

// askAll decides requests about a column, without arguments, for every class.
func askAll(ctx context.Context, p *Pass, col *matrix.Column, requests []coverage.Asked) ([]*matrix.Cell, error) {
	alone := *col
	alone.Question = pep.Question{}
	for _, a := range requests {
		alone.Question.Requests = append(alone.Question.Requests, *a.Request)
	}
	trial := matrix.Trial{Column: &alone}
	for _, c := range p.Matrix.Classes {
		trial.Principals = append(trial.Principals, c.First())
	}
	cells, err := p.Matrix.Try(ctx, p.Matrix.Decider(), []matrix.Trial{trial})
	if err != nil {
		return nil, err
	}
	return cells[0], nil
}

// A gated is a gate and the server that it is in front of.
type gated struct {
	server *matrix.Server
	action string
}

// tryGates decides the gates of columns that have other requests too: their cells do
// not tell whether the gate denied or the rest.
func tryGates(ctx context.Context, p *Pass) error {
	p.answers.gates = map[gated][]*matrix.Cell{}
	for _, col := range p.Matrix.Columns {
		if len(p.index.Asked(col)) < 2 {
			continue
		}
		for _, a := range p.index.Asked(col) {
			at := gated{col.Server, a.Action}
			if !a.Gate || p.answers.gates[at] != nil {
				continue
			}
			cells, err := askAll(ctx, p, col, []coverage.Asked{a})
			if err != nil {
				return err
			}
			p.answers.gates[at] = cells
		}
	}
	return nil
}

// An uncovered is a target of a server that no policy covers, and the
// operations that are asked about there.
type uncovered struct {
	server  *matrix.Server
	target  *coverage.Target
	columns []*matrix.Column
}

// findUncovered finds the targets where no policy has a say for anybody.
func findUncovered(ctx context.Context, p *Pass) error {
	type key struct {
		server *matrix.Server
		target *coverage.Target
	}
	index := map[key]int{} // into uncovered, -1 for what a policy covers
	for _, col := range p.Matrix.Columns {
		if !p.all(col, func(c *matrix.Cell) bool { return c.NoPolicy }) {
			continue
		}
		for _, a := range p.index.Asked(col) {
			k := key{col.Server, a.Target}
			i, known := index[k]
			if !known {
				has, err := hasPolicy(ctx, p, col, a)
				if err != nil {
					return err
				}
				i = -1
				if !has {
					i = len(p.answers.uncovered)
					p.answers.uncovered = append(p.answers.uncovered, uncovered{server: col.Server, target: a.Target})
				}
				index[k] = i
			}
			if i >= 0 {
				p.answers.uncovered[i].columns = append(p.answers.uncovered[i].columns, col)
			}
		}
	}
	return nil
}

// hasPolicy reports whether some policy has a say on one of the requests of a
// column whose cells are nobody's decision. Where the requests go to different
// targets, the cells do not tell which of them it was.
func hasPolicy(ctx context.Context, p *Pass, col *matrix.Column, a coverage.Asked) (bool, error) {
	if !slices.ContainsFunc(p.index.Asked(col), func(b coverage.Asked) bool { return b.Target != a.Target }) {
		return false, nil
	}
	cells, err := askAll(ctx, p, col, []coverage.Asked{a})
	return slices.ContainsFunc(cells, func(c *matrix.Cell) bool { return !c.NoPolicy }), err
}
