package embedded

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// ByRole decides a request by the rules for each of its principal's roles
// alone, in the order in which the engine goes through them. The conditions see
// all roles. Schemas have no say. The decision on the request is that of the
// first role that is allowed; if evaluation is strict, that of the first that
// is allowed or that failed. There are none of a request that nobody decides.
func (e *Engine) ByRole(ctx context.Context, r authz.Request) ([]pdp.RoleDecision, error) {
	r, refusal := r.Sent()
	if refusal != nil {
		return nil, nil
	}
	s, err := e.solver(&r)
	if err != nil {
		return nil, err
	}
	inputs, err := e.inputs([]authz.Request{r})
	if err != nil {
		return nil, err
	}
	var list []pdp.RoleDecision
	settled := false
	for _, in := range alone(inputs[0]) {
		x := &exploration{
			solver: s, request: &r, in: inputs[0], alone: in,
			groups: map[residual]int{}, leaves: map[string]leafState{}, held: map[int][]string{},
		}
		if err := x.explore(ctx, assignment{}, nil); err != nil {
			return nil, fmt.Errorf("decide for role %s: %w", in.Principal.Roles[0], err)
		}
		d := x.roleDecision()
		d.Role, d.Skipped = in.Principal.Roles[0], settled
		settled = settled || x.strict() && (d.Effect == authz.Allow || d.Failed == authz.Fired)
		list = append(list, d)
	}
	return list, nil
}

// roleDecision sums the paths up.
func (x *exploration) roleDecision() pdp.RoleDecision {
	d := pdp.RoleDecision{Decision: x.decision()}
	failed := 0
	for _, p := range x.paths {
		for _, ref := range p.rules {
			policy, _, _ := strings.Cut(ref.ID, "#")
			d.Policies = append(d.Policies, policy)
		}
		for _, l := range p.wanted {
			d.Policies = append(d.Policies, tables.PolicyKey(x.solver.engine.tables.Leaves[l].Row))
		}
		if !p.allowed && strings.HasPrefix(p.policy, "role.") {
			d.Limits = append(d.Limits, p.policy)
		}
		if x.strict() && !p.allowed && len(p.wanted) > 0 {
			failed++
		}
	}
	switch {
	case failed > 0 && failed == len(x.paths) && !x.tooMany:
		d.Failed = authz.Fired
	case failed > 0:
		d.Failed = authz.Depends
	}
	slices.Sort(d.Policies)
	d.Policies = slices.Compact(d.Policies)
	slices.Sort(d.Limits)
	d.Limits = slices.Compact(d.Limits)
	return d
}
