package apart

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/solver"
)

// A search is for a call that tells the engines apart in one cell.
type search struct {
	*Finder
	*pair
	goals  []Goal
	held   []solver.Goal // of a search by one engine alone: what has to hold
	prefer []float64     // numbers that are better than others
	schema *schema
	world  solver.World
	open   []string // what could not be treated
}

// A solution is what is known of a question: a call, if there is one.
type solution struct {
	verdict   solver.Verdict
	arguments map[string]any
	principal *authz.Principal
	open      []string
}

// find looks for a call in a cell.
func (f *Finder) find(ctx context.Context, x *pair, goals []Goal) (Difference, error) {
	s := f.search(x, goals)
	d := Difference{Principal: x.Principal, Column: x.Column}
	found, err := s.settled(ctx)
	if err != nil {
		return d, err
	}
	if found.verdict == solver.Possible {
		if found, err = s.readable(ctx, found); err != nil {
			return d, err
		}
		d.Principal, d.Arguments = found.principal, found.arguments
		d.Refused = !s.schema.allows(found.arguments)
		if d.A, d.B, err = s.decide(ctx, found.principal, found.arguments); err != nil {
			return d, err
		}
	}
	d.Verdict, d.Open = found.verdict, found.open
	return d, nil
}

// search returns a search in a cell.
func (f *Finder) search(x *pair, goals []Goal) *search {
	s := &search{Finder: f, pair: x, goals: goals, schema: f.schemaOf(x.Column.Item)}
	s.world = solver.World{FixedID: x.fixedID}
	if !f.Now.IsZero() {
		s.world.Now = &f.Now
	}
	for _, r := range x.Column.Question.Requests {
		r.Principal = x.Principal
		s.world.Requests, s.world.Calls = append(s.world.Requests, r), append(s.world.Calls, 0)
	}
	return s
}

// settled looks in what is known already first.
func (s *search) settled(ctx context.Context) (solution, error) {
	key := s.key()
	if known, ok := s.solved[key]; ok && key != "" {
		if known.verdict != solver.Possible {
			return known, nil
		}
		found := known
		if !s.anybody {
			found.principal = s.Principal
		}
		if shows, err := s.shows(ctx, found.principal, found.arguments); shows || err != nil {
			return found, err
		}
	}
	found, err := s.solve(ctx)
	if err == nil && key != "" {
		s.solved[key] = found
	}
	return found, err
}

// key is the same for questions that have the same answer; "" where that is not certain.
func (s *search) key() string {
	if len(s.goals) > 0 {
		return ""
	}
	var b strings.Builder
	for i, r := range s.world.Requests {
		for _, d := range []*authz.Decision{s.is[i], s.was[i]} {
			if d.Effect == authz.Conditional && !closed(d.Condition) {
				return ""
			}
			b.WriteString(d.Effect.String() + d.Condition.Key() + "\x01")
			if reads := d.Condition.Reads(); len(reads.Resource) > 0 || !s.anybody && len(reads.Principal) > 0 {
				return ""
			}
		}
		b.WriteString(strings.Join(r.Unknown, "\x00") + "\x02")
	}
	text := b.String()
	if s.anybody && (s.fixedID || strings.Contains(text, "oles") || strings.Contains(text, ".id")) {
		text += s.Principal.Key
	}
	return text + "\x03" + s.Column.Server.Name + "\x03" + s.Column.Item.Type.String() + s.Column.Item.Name
}

// solve looks for a call that the inputSchema allows first, and then for any. What there is
// none of is shown by the second: whatever the schema refuses counts too.
func (s *search) solve(ctx context.Context) (solution, error) {
	schemas := []any{nil}
	if s.schema.decoded != nil && s.takes() {
		schemas = []any{s.schema.decoded, nil}
	}
	directions := []direction{{goals: s.held}}
	if s.held == nil {
		directions = s.directions()
	}
	for _, decoded := range schemas {
		s.world.Arguments, s.open = nil, nil
		if decoded != nil {
			s.world.Arguments = []any{decoded}
		}
		for _, direction := range directions {
			found, err := s.ask(ctx, direction, decoded)
			if err != nil || found.verdict == solver.Possible {
				return found, err
			}
			s.open = append(s.open, found.open...)
		}
	}
	if len(s.open) == 0 {
		return solution{verdict: solver.Impossible}, nil
	}
	found, err := s.tried(ctx)
	if err != nil || found.verdict == solver.Possible {
		return found, err
	}
	slices.Sort(s.open)
	return solution{open: ordered.Distinct(s.open)}, nil
}

// takes reports whether arguments are open in some request.
func (s *search) takes() bool {
	return slices.ContainsFunc(s.world.Requests, func(r authz.Request) bool { return r.Unknown != nil })
}

// A direction is one way for the engines to differ: goals of the solver, one of which says
// for one request that it is denied.
type direction struct {
	goals []solver.Goal
	open  []string
}

// directions lists the ways to differ that are not plainly impossible.
func (s *search) directions() []direction {
	var list []direction
	for _, of := range [][2][]*authz.Decision{{s.is, s.was}, {s.was, s.is}} {
		allows, ok := s.allowed(of[0])
		for i, d := range of[1] {
			if !ok || d.Effect == authz.Allow {
				continue
			}
			one := direction{slices.Clone(allows.goals), slices.Clone(allows.open)}
			if d.Effect == authz.Conditional {
				one.add(&s.world.Requests[i], i, d.Condition, solver.Only(solver.Unmet, solver.Errored))
			}
			list = append(list, s.withGoals(one)...)
		}
	}
	return list
}

// allowed returns what has to hold for all requests to be allowed, if that can be.
func (s *search) allowed(decisions []*authz.Decision) (direction, bool) {
	var of direction
	for i, d := range decisions {
		switch d.Effect {
		case authz.Deny:
			return of, false
		case authz.Conditional:
			of.add(&s.world.Requests[i], i, d.Condition, solver.Only(solver.Met))
		case authz.Allow:
		}
	}
	return of, true
}

// add has a condition come to one of some outcomes.
func (x *direction) add(r *authz.Request, request int, c authz.Condition, to solver.Outcomes) {
	f, ok := solver.Of(c, r)
	if !ok {
		x.open = append(x.open, c.String())
		return
	}
	x.goals = append(x.goals, solver.Goal{Formula: f, Request: request, To: to})
}

// withGoals adds the goals of the search, each about each request that it may be about.
func (s *search) withGoals(one direction) []direction {
	list := []direction{one}
	for _, g := range s.goals {
		var next []direction
		for _, of := range list {
			for i := range s.world.Requests {
				if g.About != nil && !g.About(&s.world.Requests[i]) {
					continue
				}
				with := direction{slices.Clone(of.goals), of.open}
				if g.closed(s.Now) {
					with.goals = append(with.goals, solver.Goal{Formula: g.formula(), Request: i, To: g.To})
				} else {
					with.open = append(slices.Clone(of.open), g.Expr)
				}
				next = append(next, with)
			}
		}
		list = next
	}
	return list
}

// formula returns what has to come to something.
func (g *Goal) formula() solver.Formula {
	if g.Formula != nil {
		return *g.Formula
	}
	return solver.Expr(g.Expr)
}

// closed reports whether the expression can be evaluated by itself.
func (g *Goal) closed(now time.Time) bool {
	e, err := expr.Parse(g.Expr)
	if err != nil {
		return false
	}
	for _, name := range []string{"V", "variables", "C", "constants", "G", "globals", "runtime"} {
		if expr.Mentions(e, name) {
			return false
		}
	}
	return !now.IsZero() || !strings.Contains(g.Expr, "now(") && !strings.Contains(g.Expr, "timeSince(")
}

// ask looks for a call of one direction.
func (s *search) ask(ctx context.Context, of direction, schema any) (solution, error) {
	if len(of.open) > 0 {
		return solution{open: of.open}, nil
	}
	if len(of.goals) == 0 {
		none := s.none()
		if schema == nil || s.schema.allows(none) {
			if shows, err := s.shows(ctx, s.Principal, none); shows || err != nil {
				return solution{verdict: solver.Possible, principal: s.Principal, arguments: none}, err
			}
		}
	}
	if s.solver == nil {
		return solution{open: []string{"an engine that does not evaluate conditions by themselves"}}, nil
	}
	if s.held == nil {
		s.solver.Confirm = func(ctx context.Context, requests []authz.Request, _ time.Time) (bool, error) {
			return s.shows(ctx, s.somebody(requests), s.argumentsOf(requests))
		}
		defer func() { s.solver.Confirm = nil }()
	}
	answer, err := s.solver.Solve(ctx, &s.world, of.goals)
	if err != nil {
		return solution{}, err
	}
	found := solution{verdict: answer.Verdict, open: answer.Open}
	if answer.Verdict == solver.Possible {
		found.principal, found.arguments = s.somebody(answer.Requests), s.argumentsOf(answer.Requests)
	}
	return found, nil
}

// none returns the arguments of a call without any; nil where an operation takes none.
func (s *search) none() map[string]any {
	if s.Column.TakesArguments() {
		return map[string]any{}
	}
	return nil
}

// somebody returns who makes the requests of an answer.
func (s *search) somebody(requests []authz.Request) *authz.Principal {
	if !s.anybody {
		return s.Principal
	}
	who := *requests[0].Principal
	return &who
}

// argumentsOf returns the arguments of the requests of an answer.
func (s *search) argumentsOf(requests []authz.Request) map[string]any {
	for i, open := range s.world.Requests {
		if open.Unknown != nil {
			if arguments := requests[i].Resource.Mapping(open.Unknown); arguments != nil {
				return arguments
			}
		}
	}
	return s.none()
}

// decide has both engines decide a call.
func (s *search) decide(ctx context.Context, who *authz.Principal, arguments map[string]any) (a, b *matrix.Cell, err error) {
	trials := []matrix.Trial{{Column: s.closedColumn(), Arguments: arguments, Principals: []*authz.Principal{who}}}
	was, err := s.matrix.Try(ctx, s.engine, trials)
	if err != nil {
		return nil, nil, err
	}
	is, err := s.matrix.Try(ctx, s.b, trials)
	if err != nil {
		return nil, nil, err
	}
	return was[0][0], is[0][0], nil
}

// closedColumn returns the column with nothing open but the arguments.
func (s *search) closedColumn() *matrix.Column {
	if !s.anybody {
		return s.Column
	}
	col := *s.Column
	col.Question.Requests = slices.Clone(col.Question.Requests)
	for i := range col.Question.Requests {
		col.Question.Requests[i].AnyPrincipal = false
	}
	return &col
}
