package matrix

import (
	"context"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
)

// An Attempt is an operation on an item by one principal with known arguments.
type Attempt struct {
	Principal *authz.Principal
	Column    *Column
	Arguments map[string]any
}

// A Trial is an operation on an item by each of several principals with known
// arguments. A list that shows what is possible has none: it leaves them open.
type Trial struct {
	Column     *Column
	Arguments  map[string]any
	Principals []*authz.Principal
}

// Decider returns what the matrix is decided by.
func (m *Matrix) Decider() pdp.Decider { return m.input.Decider }

// Ask returns a cell for each attempt, in order. The principals need not be of the
// matrix.
func (m *Matrix) Ask(ctx context.Context, attempts []Attempt) ([]Cell, error) {
	trials := make([]Trial, len(attempts))
	for i, c := range attempts {
		trials[i] = Trial{Column: c.Column, Arguments: c.Arguments, Principals: []*authz.Principal{c.Principal}}
	}
	answers, err := m.Try(ctx, m.input.Decider, trials)
	if err != nil {
		return nil, err
	}
	cells := make([]Cell, len(attempts))
	for i, of := range answers {
		cells[i] = *of[0]
	}
	return cells, nil
}

// Try decides trials by a decider that need not be the matrix's own, for
// instance one with another clock. It returns a cell for each principal of each
// trial; those that are the same may be one, and are read-only.
func (m *Matrix) Try(ctx context.Context, d pdp.Decider, trials []Trial) ([][]*Cell, error) {
	var requests []pdp.SharedRequest
	for _, t := range trials {
		for _, r := range t.Column.Question.Requests {
			if !t.Column.Question.Possible {
				r = pep.Bind(r, t.Arguments)
			}
			requests = append(requests, pdp.SharedRequest{Request: r, Of: t.Principals})
		}
	}
	answers, err := pdp.Each(ctx, d, requests)
	if err != nil {
		return nil, err
	}
	cells := make([][]*Cell, len(trials))
	for i, t := range trials {
		n := len(t.Column.Question.Requests)
		if cells[i], err = m.joined(ctx, t.Column, answers[:n], len(t.Principals), func(i int) *authz.Principal { return t.Principals[i] }); err != nil {
			return nil, err
		}
		answers = answers[n:]
	}
	return cells, nil
}

// joined returns the cells of a column for as many principals, by the answers
// to each of its requests.
func (m *Matrix) joined(ctx context.Context, col *Column, answers [][]*authz.Decision, n int, who func(int) *authz.Principal) ([]*Cell, error) {
	cells := make([]*Cell, n)
	if g := col.Question.Grant; g != nil {
		for i := range cells {
			cells[i] = grantedCell(g.To(who(i)))
		}
		return cells, nil
	}
	shared := map[[2]*authz.Decision]*Cell{}
	of := make([]*authz.Decision, len(answers))
	for i := range cells {
		var key [2]*authz.Decision
		for k := range answers {
			of[k] = answers[k][i]
			if k < len(key) {
				key[k] = of[k]
			}
		}
		cell := shared[key]
		if cell == nil || len(of) > len(key) {
			c, err := m.cell(ctx, col, of)
			if err != nil {
				return nil, err
			}
			cell = &c
			shared[key] = cell
		}
		cells[i] = cell
	}
	return cells, nil
}

// Look decides a column with its arguments left open. Neither the column nor
// the principals need be of the matrix.
func (m *Matrix) Look(ctx context.Context, col *Column, principals []*authz.Principal) ([]*Cell, error) {
	requests := make([]pdp.SharedRequest, len(col.Question.Requests))
	for i, r := range col.Question.Requests {
		requests[i] = pdp.SharedRequest{Request: r, Of: principals}
	}
	answers, err := pdp.Each(ctx, m.input.Decider, requests)
	if err != nil {
		return nil, err
	}
	return m.joined(ctx, col, answers, len(principals), func(i int) *authz.Principal { return principals[i] })
}
