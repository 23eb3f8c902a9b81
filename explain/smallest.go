package explain

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// A Smallest says what the smallest change of values is that would allow what is denied:
// of arguments that are given, and of the principal's attributes and claims. Roles are
// none of them.
type Smallest struct {
	// Verdict is Impossible if no values would allow it, and Unknown if neither that is
	// known nor a change that would.
	Verdict solver.Verdict
	Change  *Change // of Possible
	Least   bool    // no change of fewer values would do
	// Arguments is the smallest change of arguments alone, if Change is of others and
	// such a change is found.
	Arguments *Change
	// WithinSchema reports that arguments were taken to be what the inputSchema allows.
	WithinSchema bool
	Open         []string // what could not be treated
	Tried        []string // the values that were changed
	// InTheWay are the DENY rules that deny it as it is, or of Impossible those that deny
	// it whatever the values, if they are known.
	InTheWay []matrix.Rule
	Note     string // what is not known, or why nothing would do; or ""
}

// A Change is values that take the place of others.
type Change struct {
	Values []Value // arguments, then attributes, then claims, each by name

	// The principal and the arguments with the change. If arguments are open they are an
	// example, and Condition says for which it is allowed.
	Principal *authz.Principal
	Arguments map[string]any
	Condition authz.Condition
}

// smallest looks for the smallest change. It returns nil where the engine does not offer
// what that takes.
func (q *Input) smallest(ctx context.Context, x *Explanation) (*Smallest, error) {
	engine, ok := q.Engine.(pdp.Evaluable)
	if !ok || len(q.Column.Question.Requests) == 0 {
		return nil, nil
	}
	s := &search{Input: q, solver: solver.New(engine.Leaves())}
	s.solver.Confirm, s.solver.Limits.Total = s.confirm, mostRows
	s.result.InTheWay = x.denying()
	done, err := s.open(ctx, x)
	if !done && err == nil {
		s.candidates(x)
		err = s.find(ctx)
	}
	s.result.Note = s.note()
	return &s.result, err
}

// denying lists the DENY rules that deny the denied requests.
func (x *Explanation) denying() []matrix.Rule {
	var list []matrix.Rule
	for i := range x.Requests {
		for j := range x.Requests[i].Rules {
			r := &x.Requests[i].Rules[j]
			if r.Effect == authz.Deny && r.Result == Applies && x.Requests[i].Decision.Effect == authz.Deny {
				list = append(list, matrix.Rule{ID: r.ID, Name: r.Label(), Effect: r.Effect, Met: authz.Fired, Pos: r.Pos, Syntax: r.Rule})
			}
		}
	}
	return distinct(list)
}

// settledBy lists the DENY rules that deny a request whatever is open.
func (q *Input) settledBy(d *authz.Decision, r *authz.Request) []matrix.Rule {
	var fired, depend []matrix.Rule
	allowed := false // but for what denies
	for _, ref := range d.Rules {
		of := q.Policies.RuleFor(ref.ID, r.Resource.Kind, r.Action)
		if ref.Met == authz.Unmet || of == nil {
			continue
		}
		rule := matrix.Rule{ID: ref.ID, Name: of.Label(), Effect: ref.Effect, Met: ref.Met, Pos: of.Pos, Syntax: of}
		switch {
		case of.Effect == authz.Allow:
			allowed = allowed || of.Policy.Kind != policy.RolePolicy
		case ref.Met == authz.Fired:
			fired = append(fired, rule)
		default:
			depend = append(depend, rule)
		}
	}
	if len(fired) == 0 && allowed {
		return depend
	}
	return fired
}

// unallowed reports whether no rule that allows a request is for the principal's roles.
func (x *Request) unallowed() bool {
	return !slices.ContainsFunc(x.Rules, func(r Rule) bool { return r.allows() && r.Via != "" })
}

// distinct returns rules by their places, each once.
func distinct(list []matrix.Rule) []matrix.Rule {
	slices.SortStableFunc(list, func(a, b matrix.Rule) int { return a.Pos.Compare(b.Pos) })
	return slices.CompactFunc(list, func(a, b matrix.Rule) bool { return a.ID == b.ID && a.Pos == b.Pos })
}
