package testcoverage

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// subject adds the points of a rule or a derived role.
func (m *measurer) subject(ctx context.Context, s *subject) error {
	l := &look{measurer: m, subject: s, held: map[hold][]*held{}, reals: map[request]*real{}}
	var err error
	if s.role != nil {
		err = l.derivedRole(ctx)
	} else {
		err = l.ofRule(ctx)
	}
	if err != nil || s.condition == nil {
		return err
	}
	for _, of := range []struct {
		what string
		is   solver.Outcome
	}{{Met, solver.Met}, {NotMet, solver.Unmet}, {Errored, solver.Errored}} {
		if err := l.outcome(ctx, of.what, of.is); err != nil {
			return err
		}
	}
	for i := range s.parts {
		if err := l.part(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// point returns a point of the subject.
func (l *look) point(kind Kind, pos source.Pos, last int, what string) Point {
	p := Point{Kind: kind, Pos: pos, Last: last, What: what, DerivedRole: l.role}
	if l.role != nil {
		p.Policy = l.role.Set
		return p
	}
	p.Policy, p.Rule = l.rule.Policy, l.rule
	return p
}

func (m *measurer) add(p Point) { m.coverage.Points = append(m.coverage.Points, p) }

// ofRule adds the point of a rule.
func (l *look) ofRule(ctx context.Context) error {
	p := l.point(Rule, l.rule.Pos, l.rule.End.Line, "")
	decisive, err := l.fails(ctx, hold{of: gone})
	if err != nil {
		return err
	}
	p.Decisive = decisive != nil
	by, err := l.activation(ctx)
	if err != nil {
		return err
	}
	if by == nil {
		by = decisive
	}
	if by != nil {
		p.State, p.By = Covered, []Evidence{*by}
	}
	if !p.Decisive {
		state, unknown, want, err := l.would(ctx, hold{of: gone}, nil)
		if err != nil {
			return err
		}
		p.Redundant = state == Impossible
		if by == nil {
			if p.State, p.Unknown, p.Want, err = l.activatable(ctx, unknown, want); err != nil {
				return err
			}
		}
	}
	l.add(p)
	l.points[l.rule] = &p
	return nil
}

// activation returns a case in which the rule activated with the effect of the outcome.
func (l *look) activation(ctx context.Context) (*Evidence, error) {
	if e, ok := l.active[l.rule]; ok {
		return &e, nil
	}
	for _, c := range l.maybe[l.rule] {
		col, _ := c.Column()
		call, err := l.where(ctx, c.world, c.Requests()[0].Principal, col)
		if err != nil {
			return nil, err
		}
		if l.shownBy(&call) && (!call.Refused || assertsRefused(c.Case)) {
			e := caseOf(c.Case)
			return &e, nil
		}
	}
	return nil, nil
}

// shownBy reports whether the rule activated in a call with the effect of the outcome. What
// the engine had decided before it came to the rule does not count.
func (l *look) shownBy(c *apart.Call) bool {
	return c.Verdict == solver.Possible && l.sameEffect(c.Cell.Access) && l.metIn(c.Cell) == authz.Fired
}

func (l *look) sameEffect(a matrix.Access) bool {
	return a == matrix.Allowed && l.rule.Effect == authz.Allow || a == matrix.Denied && l.rule.Effect == authz.Deny
}

// where looks for a call that meets the condition of the rule, and that is decided as the
// rule would have it.
func (l *look) where(ctx context.Context, w *world, who *authz.Principal, col *matrix.Column) (apart.Call, error) {
	if l.condition == nil || !col.Question.Direct() {
		return apart.Call{}, nil
	}
	decisions, err := w.finder.Decisions(ctx, who, col)
	if err != nil {
		return apart.Call{}, err
	}
	at := slices.IndexFunc(col.Question.Requests, func(r authz.Request) bool { return l.about(&r) })
	if at < 0 {
		return apart.Call{}, nil
	}
	var goals []solver.Goal
	for _, g := range l.goals(w.Decider, l.subject, solver.Met) {
		goals = append(goals, solver.Goal{Formula: *g.Formula, Request: at, To: g.To})
	}
	to := solver.Only(solver.Met)
	if l.rule.Effect == authz.Deny {
		to = solver.Only(solver.Unmet, solver.Errored)
	}
	for i, d := range decisions {
		if d.Effect != authz.Conditional || l.rule.Effect == authz.Deny && i != at {
			continue
		}
		f, ok := solver.Of(d.Condition, &col.Question.Requests[i])
		if !ok {
			return apart.Call{}, nil
		}
		goals = append(goals, solver.Goal{Formula: f, Request: i, To: to})
	}
	if len(goals) == 0 {
		return apart.Call{}, nil
	}
	return w.finder.Where(ctx, who, col, goals)
}

// activatable returns whether the rule can activate with the effect of an outcome in a call
// of a declared principal. What tells its removal apart shows that.
func (l *look) activatable(ctx context.Context, unknown bool, want []Case) (State, bool, []Case, error) {
	if len(want) > 0 {
		return Uncovered, false, want, nil
	}
	for _, col := range l.in.Matrix.Columns {
		if !col.Question.Direct() {
			continue // no policy has a say, or what becomes of the use says it
		}
		for _, class := range l.in.Matrix.Classes {
			cell := l.in.Matrix.Cell(class, col)
			met := l.metIn(cell)
			if !unknown {
				var err error
				if unknown, err = l.anyTime(ctx, class.First(), col); err != nil {
					return Uncovered, false, nil, err
				}
			}
			if met == authz.Unmet || cell.Access != matrix.Conditional && !l.sameEffect(cell.Access) {
				continue
			}
			if met == authz.Fired {
				return Uncovered, false, []Case{{Principal: class.First(), Column: col, Expect: expected(cell.Access)}}, nil
			}
			call, err := l.where(ctx, l.list[0], class.First(), col)
			switch {
			case err != nil:
				return Uncovered, false, nil, err
			case l.shownBy(&call):
				return Uncovered, false, []Case{{
					Principal: class.First(), Column: col, Arguments: call.Arguments, Refused: call.Refused, Expect: expected(call.Cell.Access),
				}}, nil
			case call.Verdict != solver.Impossible:
				unknown = true
			}
		}
	}
	if unknown {
		return Uncovered, true, nil, nil
	}
	return Impossible, false, nil, nil
}

// anyTime reports whether the rule may activate with the effect of the outcome at some time.
func (l *look) anyTime(ctx context.Context, who *authz.Principal, col *matrix.Column) (bool, error) {
	decisions, err := l.list[0].finder.AnyTime(ctx, who, col)
	if effect := apart.EffectOf(decisions); effect != l.rule.Effect && effect != authz.Conditional {
		return false, err
	}
	for i, d := range decisions {
		r := &col.Question.Requests[i]
		for _, ref := range d.Rules {
			if ref.Met != authz.Unmet && l.in.Matrix.Policies().RuleFor(ref.ID, r.Resource.Kind, r.Action) == l.rule {
				return true, err
			}
		}
	}
	return false, err
}

// metIn returns how the rule came out in a cell, Unmet where it took no part.
func (l *look) metIn(c *matrix.Cell) authz.Met {
	met := authz.Unmet
	for _, r := range c.Rules {
		if r.Syntax == l.rule && met != authz.Fired {
			met = max(met, r.Met)
			if r.Met == authz.Fired {
				return r.Met
			}
		}
	}
	return met
}

// derivedRole adds the point of a derived role: a case fails if nobody has it, or a rule
// that is for nothing else is covered.
func (l *look) derivedRole(ctx context.Context) error {
	p := l.point(DerivedRole, l.role.Pos, l.role.End.Line, "")
	by, err := l.fails(ctx, hold{of: gone})
	if err != nil {
		return err
	}
	var want []Case
	for _, r := range l.rules {
		of := l.points[r]
		if len(r.Roles) > 0 || len(r.DerivedRoles) != 1 || of == nil {
			continue
		}
		if by == nil && of.State == Covered {
			by = &of.By[0]
		}
		want = append(want, of.Want...)
	}
	switch {
	case by != nil:
		p.State, p.By = Covered, []Evidence{*by}
	default:
		if p.State, p.Unknown, p.Want, err = l.would(ctx, hold{of: gone}, nil); err != nil {
			return err
		}
		if p.State == Impossible && len(want) > 0 {
			p.State, p.Want = Uncovered, want[:1]
		}
	}
	l.add(p)
	return nil
}

// outcome adds the point of an outcome of the condition. The other way of met is false, and
// of the others true; under strict evaluation an error is neither.
func (l *look) outcome(ctx context.Context, what string, is solver.Outcome) error {
	p := l.point(Outcome, l.condition.Pos, lastLine(l.condition), what)
	t := target{
		goals: func(d pdp.Decider) []apart.Goal { return l.goals(d, l.subject, is) },
		is:    func(x *real) bool { return x.condition == is },
	}
	ways := []hold{{of: whole, as: is != solver.Met}}
	if is == solver.Errored && l.in.Strict {
		ways = append(ways, hold{of: whole})
	}
	for _, h := range ways {
		by, err := l.rests(ctx, h, t)
		if err != nil {
			return err
		}
		if by != nil {
			p.State, p.By = Covered, []Evidence{*by}
			l.add(p)
			return nil
		}
	}
	p.State = Impossible
	for _, h := range ways {
		state, unknown, want, err := l.would(ctx, h, &t)
		if err != nil {
			return err
		}
		if state == Uncovered && (p.State == Impossible || len(want) > 0) {
			p.State, p.Unknown, p.Want = state, unknown, want
		}
	}
	l.add(p)
	return nil
}

// part adds the point of a part.
func (l *look) part(ctx context.Context, i int) error {
	x := &l.parts[i]
	p := l.point(MCDC, x.leaf.Pos, lastLine(x.leaf), x.text)
	p.State = Covered
	for _, is := range []bool{true, false} {
		to := solver.Unmet
		if is {
			to = solver.Met
		}
		t := target{
			goals: func(d pdp.Decider) []apart.Goal { return l.partGoals(d, l.subject, i, is) },
			is:    func(x *real) bool { return x.parts[i] == to },
		}
		h := l.holding(i, !is)
		by, err := l.rests(ctx, h, t)
		if err != nil {
			return err
		}
		if by != nil {
			p.By = append(p.By, *by)
			p.True, p.False = p.True || is, p.False || !is
			continue
		}
		state, unknown, want, err := l.would(ctx, h, &t)
		switch {
		case err != nil:
			return err
		case state == Impossible:
			p.State = Impossible
		case p.State != Impossible:
			p.State, p.Unknown = Uncovered, p.Unknown || unknown
			p.Want = append(p.Want, want...)
		}
	}
	if p.State == Impossible {
		p.Want, p.Unknown = nil, false
	}
	l.add(p)
	return nil
}

// lastLine returns the last line on which a condition says something.
func lastLine(c *policy.Condition) int {
	last := c.Pos.Line
	for _, of := range c.Of {
		last = max(last, lastLine(of))
	}
	return last
}
