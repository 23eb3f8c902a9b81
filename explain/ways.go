package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A candidate is a change that may allow what is denied.
type candidate struct {
	text      string
	principal *authz.Principal
	arguments map[string]any
}

// ways tries the changes that the rules suggest, one at a time, and keeps those
// that the engine confirms: an argument or an attribute that a condition
// compares, and a role that a rule names.
func (q *Input) ways(ctx context.Context, x *Explanation) ([]Way, error) {
	var ways []Way
	for _, c := range q.candidates(x) {
		way, err := q.try(ctx, c)
		if err != nil {
			return nil, err
		}
		if way != nil && !slices.ContainsFunc(ways, func(w Way) bool { return w.Text == way.Text && w.Condition.Equal(way.Condition) }) {
			ways = append(ways, *way)
		}
	}
	return ways, nil
}

// try asks the engine whether a change would allow it: whether it would allow
// every request.
func (q *Input) try(ctx context.Context, c candidate) (*Way, error) {
	if c.arguments != nil {
		cells, err := q.Matrix.Ask(ctx, []matrix.Attempt{{Principal: c.principal, Column: q.Column, Arguments: c.arguments}})
		if err != nil || cells[0].Access != matrix.Allowed {
			return nil, err
		}
		return &Way{Text: c.text, Principal: c.principal, Arguments: c.arguments}, nil
	}
	cells, err := q.Matrix.Look(ctx, q.Column, []*authz.Principal{c.principal})
	if err != nil || !cells[0].Access.Possible() {
		return nil, err
	}
	return &Way{Text: c.text, Condition: cells[0].Condition, Principal: c.principal}, nil
}

func (q *Input) candidates(x *Explanation) []candidate {
	var list []candidate
	for i := range x.Requests {
		for j := range x.Requests[i].Rules {
			rule := &x.Requests[i].Rules[j]
			if rule.Effect == authz.Allow && rule.Via != "" {
				for k := range rule.Exprs {
					list = append(list, q.valueCandidates(&rule.Exprs[k], i, x.Arguments)...)
				}
			}
		}
	}
	for i := range x.Requests {
		for j := range x.Requests[i].Derived {
			for k := range x.Requests[i].Derived[j].Exprs {
				list = append(list, q.valueCandidates(&x.Requests[i].Derived[j].Exprs[k], i, x.Arguments)...)
			}
		}
		for _, rule := range x.Requests[i].Rules {
			if rule.Effect == authz.Allow {
				list = append(list, q.roleCandidates(rule.Rule, x.Arguments)...)
			}
		}
	}
	return list
}

// valueCandidates gives an argument or an attribute the value that it is
// compared with, in an expression about one of the requests.
func (q *Input) valueCandidates(e *Expr, request int, arguments map[string]any) []candidate {
	var list []candidate
	argument := "R.attr." + strings.Join(q.Column.Question.Requests[request].Unknown, ".") + "."
	for _, c := range pdp.Comparisons(e.Inlined) {
		for _, swap := range []bool{false, true} {
			target, other := c.Left, c.Right
			if swap {
				target, other = other, target
			}
			value, ok := e.valueOf(other)
			if !ok {
				continue
			}
			if c.In {
				if swap {
					continue // a list is not changed to fit
				}
				members, isList := value.([]any)
				if !isList || len(members) == 0 {
					continue
				}
				value = members[0]
			}
			if name, ok := strings.CutPrefix(target, argument); ok && arguments != nil && !strings.ContainsAny(name, ".[") {
				with := maps.Clone(arguments)
				with[name] = value
				list = append(list, candidate{fmt.Sprintf("arguments.%s = %s", name, asJSON(value)), q.Principal, with})
			}
			if name, ok := strings.CutPrefix(target, "P.attr."); ok && !strings.ContainsAny(name, ".[") {
				p := *q.Principal
				p.Attr = maps.Clone(p.Attr)
				if p.Attr == nil {
					p.Attr = map[string]any{}
				}
				p.Attr[name] = value
				list = append(list, candidate{fmt.Sprintf("principal.%s = %s", name, asJSON(value)), &p, arguments})
			}
		}
	}
	return list
}

// valueOf returns what a side of a comparison came to: a part's value, or a
// literal's.
func (e *Expr) valueOf(side string) (any, bool) {
	for _, p := range e.Parts {
		if p.Text == side {
			return p.Value.V, p.Value.Error == "" && !p.Open
		}
	}
	var v any
	if err := json.Unmarshal([]byte(side), &v); err != nil {
		return nil, false
	}
	return v, true
}

// roleCandidates gives the principal the roles that a rule is for.
func (q *Input) roleCandidates(rule *policy.Rule, arguments map[string]any) []candidate {
	var list []candidate
	for _, role := range coverage.Roles(q.Policies, rule) {
		if strings.Contains(role.Value, "*") || slices.Contains(q.Principal.Roles, role.Value) {
			continue
		}
		p := *q.Principal
		p.Roles = append(slices.Clone(p.Roles), role.Value)
		list = append(list, candidate{"the role " + role.Value, &p, arguments})
	}
	return list
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
