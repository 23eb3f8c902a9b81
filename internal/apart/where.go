package apart

import (
	"context"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/solver"
)

// A Call is one for which goals hold, or what is known of there being none.
type Call struct {
	Verdict   solver.Verdict
	Arguments map[string]any // nil where the operation takes none
	Refused   bool           // the inputSchema refuses the arguments
	Cell      *matrix.Cell   // what the finder's engine decides
	Open      []string       // of Unknown: what could not be treated
}

// Decisions returns what the finder's engine decides on each request of a column.
func (f *Finder) Decisions(ctx context.Context, who *authz.Principal, col *matrix.Column) ([]*authz.Decision, error) {
	columns := []*matrix.Column{col}
	err := f.own.ask(ctx, columns, map[*matrix.Column][]*authz.Principal{col: {who}})
	if err != nil {
		return nil, err
	}
	return f.own.decisions(col, who), nil
}

// Where looks for a call of a principal in a column for which goals hold, each of which is
// about a request of the column. Some numbers are better than others.
func (f *Finder) Where(ctx context.Context, who *authz.Principal, col *matrix.Column, goals []solver.Goal, prefer ...float64) (Call, error) {
	s := f.search(&pair{Cell: Cell{who, col}}, nil)
	s.held = append([]solver.Goal{}, goals...)
	s.prefer = prefer
	found, err := s.solve(ctx)
	c := Call{Verdict: found.verdict, Open: found.open}
	if err != nil || found.verdict != solver.Possible {
		return c, err
	}
	if found, err = s.readable(ctx, found); err != nil {
		return c, err
	}
	c.Arguments, c.Refused = found.arguments, !s.schema.allows(found.arguments)
	cells, err := f.matrix.Try(ctx, f.engine, []matrix.Trial{{Column: col, Arguments: c.Arguments, Principals: []*authz.Principal{who}}})
	if err == nil {
		c.Cell = cells[0][0]
	}
	return c, err
}

// Holds reports whether goals hold for a call.
func (f *Finder) Holds(ctx context.Context, who *authz.Principal, col *matrix.Column, arguments map[string]any, goals []solver.Goal) (bool, error) {
	s := f.search(&pair{Cell: Cell{who, col}}, nil)
	s.held = append([]solver.Goal{}, goals...)
	return s.holds(ctx, who, arguments)
}

// holds reports whether what has to hold does so for a call.
func (s *search) holds(ctx context.Context, who *authz.Principal, arguments map[string]any) (bool, error) {
	if s.solver == nil {
		return false, nil
	}
	closed := s.world
	closed.Arguments, closed.Requests = nil, make([]authz.Request, len(s.world.Requests))
	for i, r := range s.world.Requests {
		r = pep.Bind(r, arguments)
		r.Principal = who
		closed.Requests[i] = r
	}
	answer, err := s.solver.Solve(ctx, &closed, s.held)
	return answer.Verdict == solver.Possible, err
}

// Split finds a call that meets the condition of a cell and one that misses it among likely
// ones, for conditions that are not written down. What is not found is nil.
func (f *Finder) Split(ctx context.Context, col *matrix.Column, who *authz.Principal, cell *matrix.Cell) (meets, misses *witness.Candidate, err error) {
	if f.witnesses == nil {
		return nil, nil, nil
	}
	return f.witnesses.Split(ctx, col, who, cell)
}
