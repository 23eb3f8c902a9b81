package solver

import "context"

// Prepare has the engine compile the expressions of some formulas together, so that
// questions about them, one after the other, cost less. The formulas are about requests
// like the first of a world. One that does not compile is left to whoever asks about it.
func (s *Solver) Prepare(ctx context.Context, w *World, formulas []Formula) error {
	texts := newTexts()
	for _, f := range formulas {
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
