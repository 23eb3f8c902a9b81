package lint

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// cell returns what becomes of the operation: the matrix's cell, or where that
// is unguarded only because calls can be made as tasks, the decision on a
// plain call without arguments.
func (p *Pass) cell(c *matrix.Class, col *matrix.Column) *matrix.Cell {
	if cells := p.direct[col]; cells != nil {
		return cells[c.Index]
	}
	return p.Matrix.Cell(c, col)
}

// askDirectly decides the plain calls that the matrix does not have, because
// they can be made as tasks.
func (p *Pass) askDirectly(ctx context.Context) error {
	p.direct = map[*matrix.Column][]*matrix.Cell{}
	for col := range p.calls() {
		if !col.Question.TaskOnly {
			continue
		}
		cells, err := p.ask(ctx, col, p.asked[col])
		if err != nil {
			return err
		}
		p.direct[col] = cells
	}
	return nil
}

// ask decides requests about a column, without arguments, for every class.
func (p *Pass) ask(ctx context.Context, col *matrix.Column, requests []asked) ([]*matrix.Cell, error) {
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

// tryGates asks about the gates that come before something else is asked: the
// cells do not tell which of the two it was.
func (p *Pass) tryGates(ctx context.Context) error {
	p.gates = map[gated][]*matrix.Cell{}
	for _, col := range p.Matrix.Columns {
		if len(p.asked[col]) < 2 {
			continue
		}
		for _, a := range p.asked[col] {
			at := gated{col.Server, a.Action}
			if !a.gate || p.gates[at] != nil {
				continue
			}
			cells, err := p.ask(ctx, col, []asked{a})
			if err != nil {
				return err
			}
			p.gates[at] = cells
		}
	}
	return nil
}

// An uncovered is a target of a server that no policy covers, and the
// operations that are asked about there.
type uncovered struct {
	server  *matrix.Server
	target  *target
	columns []*matrix.Column
}

// findUncovered finds the targets where no policy has a say for anybody.
func (p *Pass) findUncovered(ctx context.Context) error {
	type key struct {
		server *matrix.Server
		target *target
	}
	index := map[key]int{} // into uncovered, -1 for what a policy covers
	for _, col := range p.Matrix.Columns {
		if !p.all(col, func(c *matrix.Cell) bool { return c.NoPolicy }) {
			continue
		}
		for _, a := range p.asked[col] {
			k := key{col.Server, a.target}
			i, known := index[k]
			if !known {
				has, err := p.hasPolicy(ctx, col, a)
				if err != nil {
					return err
				}
				i = -1
				if !has {
					i = len(p.uncovered)
					p.uncovered = append(p.uncovered, uncovered{server: col.Server, target: a.target})
				}
				index[k] = i
			}
			if i >= 0 {
				p.uncovered[i].columns = append(p.uncovered[i].columns, col)
			}
		}
	}
	return nil
}

// hasPolicy reports whether some policy has a say on one of the requests of a
// column whose cells are nobody's decision. Where the requests go to different
// targets, the cells do not tell which of them it was.
func (p *Pass) hasPolicy(ctx context.Context, col *matrix.Column, a asked) (bool, error) {
	if !slices.ContainsFunc(p.asked[col], func(b asked) bool { return b.target != a.target }) {
		return false, nil
	}
	cells, err := p.ask(ctx, col, []asked{a})
	return slices.ContainsFunc(cells, func(c *matrix.Cell) bool { return !c.NoPolicy }), err
}
