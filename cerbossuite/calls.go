package cerbossuite

import (
	"context"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A callKey is what calls are looked for of.
type callKey struct {
	column *matrix.Column
	cell   *matrix.Cell
	by     pdp.Decider
}

// calls are arguments that are allowed and that are denied, nil where none are known.
type calls struct{ allowed, denied *map[string]any }

// callsOf returns a call on either side of the condition of a case about all arguments,
// as far as any are known. Where the cell depends on none, it is one without arguments.
func (x *exporter) callsOf(ctx context.Context, c *testrunner.Case) (allowed, denied *map[string]any, err error) {
	none := map[string]any{}
	switch c.Cell.Access {
	case matrix.Allowed:
		return &none, nil, nil
	case matrix.Denied:
		return nil, &none, nil
	case matrix.Refused:
		return nil, nil, nil
	case matrix.Conditional, matrix.Unguarded:
	}
	column, _ := c.Column()
	key := callKey{column, c.Cell, c.Decider()}
	if known := x.calls[key]; known != nil {
		return known.allowed, known.denied, nil
	}
	s := &search{matrix: x.Matrix.By(c.Decider()), column: column, who: c.Callers()[0], cell: c.Cell}
	found, err := s.calls(ctx, c.Decider())
	if err != nil {
		return nil, nil, err
	}
	x.calls[key] = found
	return found.allowed, found.denied, nil
}

// A search is for calls on either side of the condition of a cell.
type search struct {
	matrix *matrix.Matrix
	column *matrix.Column
	who    *authz.Principal
	cell   *matrix.Cell
}

// calls asks the solver for arguments that the inputSchema allows, and tries candidates
// for what it does not know.
func (s *search) calls(ctx context.Context, d pdp.Decider) (*calls, error) {
	found := &calls{}
	if e, ok := d.(pdp.Evaluable); ok {
		for _, side := range []struct {
			as   matrix.Access
			to   solver.Outcomes
			into **map[string]any
		}{
			{matrix.Allowed, solver.Only(solver.Met), &found.allowed},
			{matrix.Denied, solver.Only(solver.Unmet, solver.Errored), &found.denied},
		} {
			arguments, err := s.solved(ctx, solver.New(e.Leaves()), side.as, side.to)
			if err != nil {
				return nil, err
			}
			*side.into = arguments
		}
	}
	examiner, ok := d.(pdp.Examiner)
	if found.allowed != nil && found.denied != nil || !ok {
		return found, nil
	}
	meets, misses, err := witness.NewFinder(s.matrix, examiner.Conditions()).Split(ctx, s.column, s.who, s.cell)
	if err != nil {
		return nil, err
	}
	if found.allowed == nil && meets != nil {
		found.allowed = argumentsOf(meets)
	}
	if found.denied == nil && misses != nil {
		found.denied = argumentsOf(misses)
	}
	return found, nil
}

func argumentsOf(c *witness.Candidate) *map[string]any {
	arguments := c.Arguments
	if arguments == nil {
		arguments = map[string]any{}
	}
	return &arguments
}

// solved asks the solver for arguments for which a call is decided so, confirmed by the
// engine. They are nil where there are none, or where it does not know.
func (s *search) solved(ctx context.Context, by *solver.Solver, as matrix.Access, to solver.Outcomes) (*map[string]any, error) {
	list := s.column.Question.Requests
	at := slices.IndexFunc(list, func(r authz.Request) bool { return r.Unknown != nil })
	if at < 0 {
		return nil, nil
	}
	open := list[at]
	open.Principal = s.who
	formula, ok := solver.Of(s.cell.Condition, &open)
	if !ok {
		return nil, nil
	}
	w := &solver.World{Requests: []authz.Request{open}}
	if schema := s.column.Item.ArgumentsSchema(); schema != nil {
		w.Arguments = []any{schema.Value()}
	}
	var found *map[string]any
	by.Confirm = func(ctx context.Context, requests []authz.Request, _ time.Time) (bool, error) {
		arguments := requests[0].Resource.Mapping(open.Unknown)
		cells, err := s.matrix.Ask(ctx, []matrix.Attempt{{Principal: s.who, Column: s.column, Arguments: arguments}})
		if err != nil || cells[0].Access != as {
			return false, err
		}
		if arguments == nil {
			arguments = map[string]any{}
		}
		found = &arguments
		return true, nil
	}
	_, err := by.Solve(ctx, w, []solver.Goal{{Formula: formula, To: to}})
	return found, err
}
