package probe

import (
	"context"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
)

// split finds, for a cell that depends on arguments, some that meet its condition and some
// that miss it, each confirmed by the matrix's engine: such that the inputSchema allows
// where the solver knows of any, and else what candidates show. What is not found is nil.
func (p *prober) split(ctx context.Context, col *matrix.Column, who *authz.Principal, cell *matrix.Cell) (meets, misses *witness.Candidate, err error) {
	if meets, err = p.decided(ctx, col, who, cell, matrix.Allowed); err != nil {
		return nil, nil, err
	}
	if misses, err = p.decided(ctx, col, who, cell, matrix.Denied); err != nil || meets != nil && misses != nil {
		return meets, misses, err
	}
	some, others, err := p.finder.Split(ctx, col, who, cell)
	if meets == nil {
		meets = some
	}
	if misses == nil {
		misses = others
	}
	return meets, misses, err
}

// decided asks the solver for arguments within the inputSchema for which a call is decided
// so. They are nil where there are none, or where it does not know.
func (p *prober) decided(ctx context.Context, col *matrix.Column, who *authz.Principal, cell *matrix.Cell, as matrix.Access) (*witness.Candidate, error) {
	list := col.Question.Requests
	at := slices.IndexFunc(list, func(r authz.Request) bool { return r.Unknown != nil })
	if p.in.Solver == nil || at < 0 {
		return nil, nil
	}
	open := list[at]
	open.Principal = who
	formula, ok := solver.Of(cell.Condition, &open)
	if !ok {
		return nil, nil
	}
	w := &solver.World{Requests: []authz.Request{open}}
	if col.Item.Schema != nil {
		w.Arguments = []any{col.Item.Schema.Value()}
	}
	to := solver.Only(solver.Met)
	if as == matrix.Denied {
		to = solver.Only(solver.Unmet, solver.Errored)
	}
	var found *witness.Candidate
	p.in.Solver.Confirm = func(ctx context.Context, requests []authz.Request, _ time.Time) (bool, error) {
		arguments := requests[0].Resource.Mapping(open.Unknown)
		cells, err := p.in.Matrix.Ask(ctx, []matrix.Attempt{{Principal: who, Column: col, Arguments: arguments}})
		if err != nil || cells[0].Access != as {
			return false, err
		}
		found = &witness.Candidate{Principal: who, Arguments: arguments, Within: true}
		return true, nil
	}
	defer func() { p.in.Solver.Confirm = nil }()
	_, err := p.in.Solver.Solve(ctx, w, []solver.Goal{{Formula: formula, To: to}})
	return found, err
}
