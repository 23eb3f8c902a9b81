package prove

import (
	"context"
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/solver"
)

// delegated proves that whatever a delegate may, the principal that it acts for may.
// Both are declared, so that the arguments alone are open, and what time it is unless that is
// known.
func (p *Prover) delegated(ctx context.Context, s *Sentence) (*Proof, error) {
	result := &Proof{Verdict: Proved, Over: p.over(s, []cohort{{roles: s.Delegate.Roles}})}
	result.Over.Attributes = "declared"
	cells, err := p.in.Matrix.Look(ctx, s.Of.Open(false, p.in.Now.IsZero()), []*authz.Principal{s.Delegate, s.Person})
	if err != nil {
		return nil, fmt.Errorf("decide %s of %s: %w", s.Of.Operation, s.Of.Item.Name, err)
	}
	x := &search{Prover: p, sentence: s, cohort: cohort{roles: s.Delegate.Roles, id: s.Delegate.ID, kind: s.Delegate.Kind}}
	x.world = solver.World{FixedID: true}
	if now := p.in.Now; !now.IsZero() {
		x.world.Now = &now
	}
	x.ask(s.Of)
	x.world.Requests[0].Principal, x.world.Requests[0].AnyPrincipal = s.Delegate, false
	x.again(s.Person)
	x.allowed(0, cells[0], true)
	x.allowed(1, cells[1], false)
	switch {
	case x.never:
		return result, nil
	case len(x.open) > 0:
		result.Verdict, result.Open = Unknown, x.open
		return result, nil
	}
	x.texts = append(x.texts, strings.Join([]string{s.Delegate.Key, s.Person.Key}, "\x00"))
	found, open, err := x.solve(ctx)
	switch {
	case err != nil:
		return nil, err
	case found != nil:
		result.Verdict, result.Counterexample = Refuted, found
	case len(open) > 0:
		result.Verdict, result.Open = Unknown, open
	}
	return result, nil
}
