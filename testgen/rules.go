package testgen

import (
	"context"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
)

// rules makes suites in which each rule decides one case, and that say nothing else.
func (g *generator) rules(ctx context.Context) error {
	covered := map[string]bool{}
	for _, s := range g.Matrix.Servers {
		var gaps []Gap
		for col := range g.Matrix.ColumnsOf(s) {
			for _, c := range g.Matrix.Classes {
				cell := g.Matrix.Cell(c, col)
				arguments, decided, err := g.oneCall(ctx, c.First(), col, cell)
				if err != nil {
					return err
				}
				if decided == nil {
					continue
				}
				for _, r := range decided.Decisive() {
					if r.Met != authz.Fired || covered[r.ID] {
						continue
					}
					covered[r.ID] = true
					gap := Gap{Why: "rule " + r.Name, Principal: c.First(), Column: col, Arguments: arguments}
					if decided.Access == matrix.Allowed {
						gap.Expect = authz.Allow
					}
					gaps = append(gaps, gap)
					break // the others need not be noticed
				}
			}
		}
		g.addGaps("a case for each rule", gaps)
	}
	if len(g.suites) == 0 {
		return ErrNothing
	}
	return nil
}

// oneCall returns a call in a cell, allowed if one is, and what it comes to; nil if there is
// none that a suite could have.
func (g *generator) oneCall(ctx context.Context, who *authz.Principal, col *matrix.Column, cell *matrix.Cell) (map[string]any, *matrix.Cell, error) {
	switch cell.Access {
	case matrix.Unguarded, matrix.Refused:
		return nil, nil, nil
	case matrix.Allowed, matrix.Denied:
		return nil, cell, nil
	case matrix.Conditional:
		if !col.TakesArguments() {
			return nil, nil, nil
		}
	}
	var goals []solver.Goal
	decisions, err := g.finder.Decisions(ctx, who, col)
	if err != nil {
		return nil, nil, err
	}
	for i, d := range decisions {
		r := col.Question.Requests[i]
		r.Principal = who
		if f, ok := solver.Of(d.Condition, &r); ok && d.Effect == authz.Conditional {
			goals = append(goals, solver.Goal{Formula: f, Request: i, To: met})
		}
	}
	call, err := g.finder.Where(ctx, who, col, goals)
	if err != nil || call.Verdict != solver.Possible || call.Cell.Access == matrix.Conditional {
		return nil, nil, err
	}
	return call.Arguments, call.Cell, nil
}
