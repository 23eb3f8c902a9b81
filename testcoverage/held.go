package testcoverage

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A held is what becomes of a world under a hold.
type held struct {
	*world
	by      pdp.Decider // nil if the policies do not load so, or could not be opened
	touches func(*authz.Request) bool
	failing []*testrunner.Case
	wrong   []*Decision
	against []refuted // nil until somebody asks
	proved  bool
}

// A refuted is a claim that does not hold any more, and what shows that.
type refuted struct {
	claim *testrunner.Case
	by    *prove.Counterexample // may be nil
}

// hold decides again what a world asserts.
func (m *measurer) hold(ctx context.Context, w *world, s *subject, h hold) (*held, error) {
	x := &held{world: w, touches: s.about}
	if w.Decider == nil {
		return x, nil
	}
	var err error
	switch c := w.changed[s][h]; {
	case c == nil:
		x.by, err = m.opened(ctx, w, s, h)
	case c.Err != nil: // it does not compile
	default:
		x.touches = c.Touches
		x.by, err = c.For(m.touched(w, x))
	}
	if err != nil || x.by == nil {
		return x, err
	}
	var again []*testrunner.Case
	for _, c := range w.Cases {
		if slices.ContainsFunc(c.Requests(), func(r authz.Request) bool { return x.touches(&r) }) {
			again = append(again, c)
		}
	}
	if x.failing, err = m.in.Result.Again(ctx, x.by, again); err != nil {
		return nil, err
	}
	return x, x.redecide(ctx)
}

// redecide decides decisions of others again.
func (x *held) redecide(ctx context.Context) error {
	var again []*Decision
	var requests []authz.Request
	for _, d := range x.decisions {
		if x.touches(&d.Request) {
			again, requests = append(again, d), append(requests, d.Request)
		}
	}
	if len(again) == 0 {
		return nil
	}
	answers, err := x.by.Decide(ctx, requests)
	if err != nil {
		return err
	}
	for i, d := range again {
		if answers[i].Effect != d.Effect {
			x.wrong = append(x.wrong, d)
		}
	}
	return nil
}

// touched lists the actions of requests that a change touches, with those beside them.
func (m *measurer) touched(w *world, x *held) []string {
	var actions []string
	for _, col := range m.in.Matrix.Columns {
		if m.column(x, col) {
			for _, r := range col.Question.Requests {
				actions = append(actions, pdp.ActionOf(&r))
			}
		}
	}
	for _, c := range w.Claims {
		for _, col := range m.claimColumns(x, c) {
			for _, r := range col.Question.Requests {
				actions = append(actions, pdp.ActionOf(&r))
			}
		}
	}
	for _, d := range w.decisions {
		actions = append(actions, d.Request.Action)
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// claimColumns lists the columns of a claim that a change may touch, none for others.
func (m *measurer) claimColumns(x *held, c *testrunner.Case) []*matrix.Column {
	s := c.Claimed()
	columns := []*matrix.Column{s.Of}
	if s.Then != nil {
		columns = append(columns, s.Then)
	}
	if slices.ContainsFunc(columns, func(col *matrix.Column) bool { return m.column(x, col) }) {
		return columns
	}
	return nil
}

// column reports whether a request of a column may be touched, whoever asks.
func (m *measurer) column(x *held, col *matrix.Column) bool {
	return slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool {
		r.Principal = nil
		return x.touches(&r)
	})
}

// opened opens the policies under a hold.
func (m *measurer) opened(ctx context.Context, w *world, s *subject, h hold) (pdp.Decider, error) {
	p := s.rule.Policy
	if s.role != nil {
		p = s.role.Set
	}
	if m.in.Open == nil || m.in.File == nil {
		return nil, nil
	}
	root := m.in.File(p.File)
	if root == nil {
		return nil, nil
	}
	data, err := s.edit(root, h)
	if err != nil {
		return nil, nil //nolint:nilerr // the place is not certain: nothing is claimed of it
	}
	by, err := m.in.Open(ctx, map[string][]byte{p.File: data}, w.Options)
	if err != nil {
		return nil, ctx.Err()
	}
	return by, nil
}

// cells lists the cells of declared principals that a change may touch, but those that no
// policy has a say in.
func (m *measurer) touchedCells(x *held) []apart.Cell {
	var list []apart.Cell
	for _, col := range m.in.Matrix.Columns {
		if !col.Question.Direct() || !m.column(x, col) {
			continue
		}
		for _, class := range m.in.Matrix.Classes {
			who := class.First()
			if slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool {
				r.Principal = who
				return x.touches(&r)
			}) {
				list = append(list, apart.Cell{Principal: who, Column: col})
			}
		}
	}
	return list
}

// refuted proves the claims again.
func (m *measurer) refuted(ctx context.Context, x *held) ([]refuted, error) {
	if x.proved || x.by == nil || m.in.Prover == nil || len(x.Claims) == 0 {
		return x.against, nil
	}
	x.proved = true
	p, err := m.in.Prover(ctx, x.by, x.Options)
	if err != nil {
		return nil, err
	}
	for _, c := range x.Claims {
		if len(m.claimColumns(x, c)) == 0 {
			continue
		}
		proof, err := p.Prove(ctx, c.Claimed())
		if err != nil {
			return nil, err
		}
		if proof.Verdict == prove.Refuted {
			x.against = append(x.against, refuted{c, proof.Counterexample})
		}
	}
	return x.against, nil
}

// requests returns what shows that a claim does not hold.
func (r *refuted) requests() []authz.Request {
	if r.by == nil || r.by.Principal == nil {
		return nil
	}
	var list []authz.Request
	for _, request := range r.claim.Claimed().Of.Question.Requests {
		if r.by.Arguments != nil {
			request = pep.Bind(request, r.by.Arguments)
		}
		request.Principal = r.by.Principal
		list = append(list, request)
	}
	return list
}
