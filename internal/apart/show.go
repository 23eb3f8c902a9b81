package apart

import (
	"context"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/solver"
)

// shows reports whether both engines decide a call, differently, and the goals hold for it.
func (s *search) shows(ctx context.Context, who *authz.Principal, arguments map[string]any) (bool, error) {
	if s.held != nil {
		return s.holds(ctx, who, arguments)
	}
	a, b, err := s.decide(ctx, who, arguments)
	if err != nil || a.Access == b.Access {
		return false, err
	}
	return s.meets(ctx, who, arguments)
}

// meets reports whether the goals hold for a call.
func (s *search) meets(ctx context.Context, who *authz.Principal, arguments map[string]any) (bool, error) {
	for _, g := range s.goals {
		if s.leaves == nil || !g.closed(s.Now) {
			return false, nil
		}
		holds := false
		for _, r := range s.world.Requests {
			if g.About != nil && !g.About(&r) || holds {
				continue
			}
			r = pep.Bind(r, arguments)
			r.Principal, r.AnyPrincipal = who, false
			answer, err := solver.New(s.leaves).Solve(ctx, &solver.World{
				Requests: []authz.Request{r}, Calls: []int{0}, FixedID: s.world.FixedID, Now: s.world.Now,
			}, []solver.Goal{{Formula: g.formula(), To: g.To}})
			if err != nil {
				return false, err
			}
			holds = answer.Verdict == solver.Possible
		}
		if !holds {
			return false, nil
		}
	}
	return true, nil
}

// tried tries calls that are likely to tell the engines apart, where the solver does not
// know.
func (s *search) tried(ctx context.Context) (solution, error) {
	if s.witnesses == nil || s.held != nil || s.leaves == nil && len(s.goals) > 0 {
		return solution{}, nil
	}
	var rules []matrix.Rule
	for _, list := range [][]*authz.Decision{s.is, s.was} {
		for _, d := range list {
			for _, r := range d.Rules {
				rules = append(rules, matrix.Rule{ID: r.ID})
			}
		}
	}
	var beyond *witness.Candidate // what is beyond the inputSchema comes last
	for c := range s.witnesses.Search(s.Column, s.Principal, rules...).Candidates().Each {
		if !c.Within && beyond != nil {
			continue
		}
		if shows, err := s.shows(ctx, c.Principal, c.Arguments); err != nil {
			return solution{}, err
		} else if !shows {
			continue
		}
		if c.Within {
			return solution{verdict: solver.Possible, principal: c.Principal, arguments: c.Arguments}, nil
		}
		beyond = &c
	}
	if beyond == nil {
		return solution{}, nil
	}
	return solution{verdict: solver.Possible, principal: beyond.Principal, arguments: beyond.Arguments}, nil
}

// readable leaves out of a call what it does without, one after the other, and puts plainer
// values in place of others.
func (s *search) readable(ctx context.Context, found solution) (solution, error) {
	within := s.schema.allows(found.arguments)
	keep := func(other solution) error {
		if within && !s.schema.allows(other.arguments) {
			return nil
		}
		shows, err := s.shows(ctx, other.principal, other.arguments)
		if err == nil && shows {
			found.principal, found.arguments = other.principal, other.arguments
		}
		return err
	}
	for _, less := range s.lesser(found) {
		if err := keep(less(found)); err != nil {
			return found, err
		}
	}
	for _, v := range s.values(found) {
		for _, plain := range s.plainer(v) {
			if err := keep(s.mapped(found, func(x any) any {
				if reflect.DeepEqual(x, v) {
					return plain
				}
				return x
			})); err != nil {
				return found, err
			}
		}
	}
	return found, nil
}

// lesser lists what may be left out of a call.
func (s *search) lesser(found solution) []func(solution) solution {
	var list []func(solution) solution
	for _, name := range slices.Sorted(maps.Keys(found.arguments)) {
		list = append(list, func(x solution) solution {
			x.arguments = without(x.arguments, name)
			return x
		})
	}
	if !s.anybody {
		return list
	}
	for _, of := range []func(*authz.Principal) *map[string]any{
		func(p *authz.Principal) *map[string]any { return &p.Attr },
		func(p *authz.Principal) *map[string]any { return &p.AuxData },
	} {
		for _, name := range slices.Sorted(maps.Keys(*of(found.principal))) {
			list = append(list, func(x solution) solution {
				who := *x.principal
				*of(&who) = without(*of(&who), name)
				x.principal = &who
				return x
			})
		}
	}
	return list
}

func without(m map[string]any, name string) map[string]any {
	m = maps.Clone(m)
	delete(m, name)
	return m
}

// mapped returns a call with other values.
func (s *search) mapped(found solution, to func(any) any) solution {
	each := func(m map[string]any) map[string]any {
		m = maps.Clone(m)
		for name, v := range m {
			m[name] = to(v)
		}
		return m
	}
	found.arguments = each(found.arguments)
	if s.anybody {
		who := *found.principal
		who.Attr, who.AuxData = each(who.Attr), each(who.AuxData)
		found.principal = &who
	}
	return found
}

// values lists the values of a call that people would rather have otherwise, each once.
func (s *search) values(found solution) []any {
	var list []any
	collect := func(m map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if v := m[name]; len(s.plainer(v)) > 0 && !slices.ContainsFunc(list, func(x any) bool { return reflect.DeepEqual(x, v) }) {
				list = append(list, v)
			}
		}
	}
	collect(found.arguments)
	if s.anybody {
		collect(found.principal.Attr)
		collect(found.principal.AuxData)
	}
	return list
}

// plainer is plainer, after the numbers that are preferred.
func (s *search) plainer(v any) []any {
	number, ok := v.(float64)
	if !ok || slices.Contains(s.prefer, number) {
		return plainer(v)
	}
	var list []any
	for _, n := range s.prefer {
		list = append(list, n)
	}
	return append(list, plainer(v)...)
}

// plainer lists values that people would rather read than a value, the best first.
func plainer(v any) []any {
	switch v := v.(type) {
	case float64:
		if v != math.Trunc(v) && math.Abs(v) < 1<<50 {
			return []any{math.Floor(v), math.Ceil(v)}
		}
	case string:
		if strings.HasPrefix(v, "other ") || strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return []any{"other"}
		}
	case nil, []any, map[string]any:
		return []any{"other", 1.0, true}
	}
	return nil
}
