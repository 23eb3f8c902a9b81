package workspace

import (
	"context"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// Prover returns what proves sentences about everybody who could exist, by the
// embedded engine over the policies at hand, whatever else decides: at a time, at the
// one that the caller pinned, or else at any; and with other globals unless they are nil.
func (w *Workspace) Prover(ctx context.Context, now time.Time, globals map[string]any) (*prove.Prover, error) {
	engine := w.Engine
	if !now.IsZero() || globals != nil {
		var err error
		if engine, err = w.reopened(ctx, now, globals); err != nil {
			return nil, err
		}
	}
	return w.proverBy(engine, engine.Leaves(), now)
}

// proverBy is Prover, by another engine.
func (w *Workspace) proverBy(engine pdp.Decider, leaves solver.Evaluator, now time.Time) (*prove.Prover, error) {
	m, err := w.outline(w.Servers, engine, nil)
	if err != nil {
		return nil, err
	}
	start := w.Now
	if !now.IsZero() {
		start = now
	} else {
		now = w.o.Now
	}
	parsed := map[*policy.Schema]*source.Node{}
	return prove.New(prove.Input{
		Matrix: m, Policies: w.Policies, Solver: solver.New(leaves), Strict: w.Config.Engine.StrictEvaluation,
		Attributes: func(col *matrix.Column) *source.Node { return w.principalSchema(col, parsed) }, Now: now, Start: start,
	}), nil
}

// principalSchema returns the JSON Schema that the engine holds principals to who ask
// about a column: one that is refused is denied, so nobody else counts. It is nil where
// that is not certain: a schema is ignored for some actions, or a scope has a policy of
// its own. What was parsed is kept.
func (w *Workspace) principalSchema(col *matrix.Column, parsed map[*policy.Schema]*source.Node) *source.Node {
	if w.engine.Schemas != pdp.EnforceReject || len(col.Question.Requests) == 0 {
		return nil
	}
	at := col.Question.Requests[0].Resource
	if at.Scope != "" || w.engine.DefaultScope != "" {
		return nil
	}
	version := at.PolicyVersion
	if version == "" {
		version = coverage.DefaultVersion
		if w.engine.DefaultPolicyVersion != "" {
			version = w.engine.DefaultPolicyVersion
		}
	}
	for _, p := range w.Policies.Policies {
		if p.Kind != policy.ResourcePolicy || p.Disabled || p.Name != at.Kind || p.Version != version || p.Scope != "" || p.PrincipalSchema == nil {
			continue
		}
		schema := w.Policies.Schema(p.PrincipalSchema)
		if schema == nil || len(p.PrincipalSchema.IgnoreWhen) > 0 {
			return nil
		}
		n, known := parsed[schema]
		if !known {
			n, _ = schema.Parse() // the engine has compiled it
			parsed[schema] = n
		}
		return n
	}
	return nil
}
