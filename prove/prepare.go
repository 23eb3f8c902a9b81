package prove

import (
	"context"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/universe"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/solver"
)

// Prepare decides what sentences are about, and has the engine compile all conditions
// together, so that proving them one after the other costs less.
func (p *Prover) Prepare(ctx context.Context, list []*Sentence) error {
	var all solver.Preparation
	seen := map[string]bool{}
	for _, s := range list {
		if s.Kind == Delegated {
			continue
		}
		cohorts, _ := p.cohorts(s)
		for _, col := range []*matrix.Column{s.Of, s.Then} {
			if col == nil || len(col.Question.Requests) == 0 {
				continue
			}
			if err := p.decide(ctx, col, cohorts); err != nil {
				return err
			}
			request := p.open(col).Question.Requests[0]
			request.Principal = cohort{roles: []string{universe.Other}}.principal()
			key := request.Resource.Kind + "\x00" + strings.Join(request.Unknown, "\x00")
			conditions := []authz.Condition{authz.AnyOf(authz.Alternative{Allows: expr.Clause(s.Condition)})}
			for _, c := range cohorts {
				condition, _ := openOf(p.cell(col, c))
				conditions = append(conditions, condition)
			}
			for _, c := range conditions {
				if c.IsZero() || seen[key+"\x01"+c.Key()] {
					continue
				}
				seen[key+"\x01"+c.Key()] = true
				if f, ok := solver.Of(c, &request); ok {
					all.Add(&request, f)
				}
			}
		}
	}
	return p.in.Solver.PrepareAll(ctx, &all)
}
