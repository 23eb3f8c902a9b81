package solver

import (
	"context"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A Preparation is formulas that will be asked about. The zero value is none.
type Preparation struct {
	worlds   map[string]*World // of like requests: of one kind, with arguments at one place
	formulas map[string][]Formula
	order    []string
}

// Add adds formulas that are about a request of a principal.
func (p *Preparation) Add(r *authz.Request, formulas ...Formula) {
	key := r.Resource.Kind + "\x00" + strings.Join(r.Unknown, "\x00")
	if p.worlds[key] == nil {
		if p.worlds == nil {
			p.worlds, p.formulas = map[string]*World{}, map[string][]Formula{}
		}
		p.worlds[key] = &World{Requests: []authz.Request{*r}}
		p.order = append(p.order, key)
	}
	p.formulas[key] = append(p.formulas[key], formulas...)
}

// PrepareAll is Prepare for formulas about several requests.
func (s *Solver) PrepareAll(ctx context.Context, p *Preparation) error {
	for _, key := range p.order {
		if err := s.Prepare(ctx, p.worlds[key], p.formulas[key]); err != nil {
			return err
		}
	}
	return nil
}

// Prepare has the engine compile the expressions of some formulas together, so that
// questions about them, one after the other, cost less. The formulas are about requests
// like the first of a world. One that does not compile is left to whoever asks about it.
func (s *Solver) Prepare(ctx context.Context, w *World, formulas []Formula) error {
	texts := newTexts()
	for _, f := range formulas {
		f = f.of(&w.Requests[0])
		a := s.newAnalysis(ctx, w)
		if _, err := a.formula(f, 0); err != nil {
			continue
		}
		for _, l := range a.list {
			texts.number(l.text)
		}
		f.texts(func(text string) { texts.number(text) }) // an answer is confirmed by these
	}
	if len(texts.list) == 0 {
		return nil
	}
	request, now := s.newAnalysis(ctx, w).request(0, assignment{})
	trials := make([]Trial, len(texts.list))
	for i := range trials {
		trials[i] = Trial{Text: i, Request: request, Now: now}
	}
	if _, err := s.engine.Evaluate(ctx, texts.list, trials); err != nil {
		return ctx.Err()
	}
	return nil
}
