package testcoverage

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A look is what is known of one subject while it is looked into.
type look struct {
	*measurer
	*subject
	held  map[hold][]*held // by world
	reals map[request]*real
}

// A request is one of a case or of a decision.
type request struct {
	of any
	at int
}

// A target is what has to be so, besides that a case fails.
type target struct {
	goals func(d pdp.Decider) []apart.Goal
	is    func(*real) bool
}

func (l *look) hold(ctx context.Context, h hold) ([]*held, error) {
	if list, known := l.held[h]; known {
		return list, nil
	}
	var list []*held
	for _, w := range l.list {
		x, err := l.measurer.hold(ctx, w, l.subject, h)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	l.held[h] = list
	return list, nil
}

// rests returns a case that fails under a hold, and in which the target is so: of its
// arguments, or for some where it is about all.
func (l *look) rests(ctx context.Context, h hold, t target) (*Evidence, error) {
	list, err := l.hold(ctx, h)
	if err != nil {
		return nil, err
	}
	for _, x := range list {
		for _, try := range []func(context.Context, *held, target) (*Evidence, error){l.inClosed, l.inDecisions, l.inOpen} {
			if found, err := try(ctx, x, t); found != nil || err != nil {
				return found, err
			}
		}
	}
	for _, x := range list {
		if found, err := l.inClaims(ctx, x, t); found != nil || err != nil {
			return found, err
		}
	}
	return nil, nil
}

// inClosed looks among cases that leave nothing open.
func (l *look) inClosed(ctx context.Context, x *held, t target) (*Evidence, error) {
	for _, c := range x.failing {
		requests := c.Requests()
		if isOpen(requests) {
			continue
		}
		ok, err := l.shows(ctx, x.Decider, c, requests, t)
		if err != nil {
			return nil, err
		}
		if ok {
			e := caseOf(c)
			return &e, nil
		}
	}
	return nil, nil
}

func isOpen(requests []authz.Request) bool {
	return slices.ContainsFunc(requests, func(r authz.Request) bool { return r.Unknown != nil })
}

// shows reports whether the target is so for one of some requests that leave nothing open.
func (l *look) shows(ctx context.Context, d pdp.Decider, of any, requests []authz.Request, t target) (bool, error) {
	for i := range requests {
		if !l.about(&requests[i]) {
			continue
		}
		key := request{of, i}
		x, known := l.reals[key]
		if !known {
			var err error
			if x, err = l.real(ctx, d, l.subject, &requests[i]); err != nil {
				return false, err
			}
			l.reals[key] = x
		}
		if x != nil && t.is(x) {
			return true, nil
		}
	}
	return false, nil
}

func (l *look) inDecisions(ctx context.Context, x *held, t target) (*Evidence, error) {
	for _, d := range x.wrong {
		if ok, err := l.shows(ctx, x.Decider, d, []authz.Request{d.Request}, t); ok || err != nil {
			return &d.Evidence, err
		}
	}
	return nil, nil
}

// inOpen looks among cases about all arguments: for some of them the engines differ, and
// the target is so. What the inputSchema refuses counts where the case is about that, too.
func (l *look) inOpen(ctx context.Context, x *held, t target) (*Evidence, error) {
	seen := map[matrix.CellKey]bool{}
	goals := t.goals(x.Decider)
	if goals == nil {
		return nil, nil
	}
	for _, c := range x.failing {
		requests := c.Requests()
		if !isOpen(requests) {
			continue
		}
		col, class := c.Column()
		key := matrix.CellKey{Class: class, Column: col}
		if seen[key] {
			continue
		}
		seen[key] = true
		d, err := x.finder.Cell(ctx, x.by, requests[0].Principal, col, goals...)
		if err != nil {
			return nil, err
		}
		if d.Verdict == solver.Possible && (!d.Refused || assertsRefused(c)) {
			e := caseOf(c)
			return &e, nil
		}
	}
	return nil, nil
}

// assertsRefused reports whether a case about all arguments is about those that the
// inputSchema refuses, too.
func assertsRefused(c *testrunner.Case) bool {
	return c.Cell.Access != matrix.Conditional && !c.Cell.Settlement.BySchema
}

// inClaims looks at what does not hold of everybody any more.
func (l *look) inClaims(ctx context.Context, x *held, t target) (*Evidence, error) {
	list, err := l.refuted(ctx, x)
	if err != nil {
		return nil, err
	}
	for i := range list {
		r := &list[i]
		ok, err := l.shows(ctx, x.Decider, r, r.requests(), t)
		if err == nil && !ok {
			ok, err = l.breaks(ctx, x, r.claim.Claimed(), t)
		}
		if ok || err != nil {
			e := caseOf(r.claim)
			return &e, err
		}
	}
	return nil, nil
}

// breaks reports whether a declared principal makes a call that breaks a sentence about
// everybody, and for which the target is so: that call is among what was proved.
func (l *look) breaks(ctx context.Context, x *held, s *prove.Sentence, t target) (bool, error) {
	goals := t.goals(x.Decider)
	if goals == nil || s.Who != nil {
		return false, nil
	}
	want := matrix.Allowed
	switch s.Kind {
	case prove.Always:
		want = matrix.Denied
	case prove.Needs:
		unmet, ok := l.unmet(s)
		if !ok {
			return false, nil
		}
		goals = append(goals, unmet)
	case prove.Never:
	case prove.Implies, prove.Within, prove.Apart, prove.Somebody, prove.Delegated:
		return false, nil
	}
	for _, class := range l.in.Matrix.Classes {
		d, err := x.finder.Cell(ctx, x.by, class.First(), s.Of, goals...)
		if err != nil {
			return false, err
		}
		if d.Verdict == solver.Possible && d.B.Access == want && (!d.Refused || s.IgnoreSchema) {
			return true, nil
		}
	}
	return false, nil
}

// unmet is the goal that a call does not meet the condition that a sentence asks for.
func (l *look) unmet(s *prove.Sentence) (apart.Goal, bool) {
	parsed, err := expr.Parse(s.Condition)
	if err != nil {
		return apart.Goal{}, false
	}
	unknown := []string{"arguments"}
	for _, r := range s.Of.Question.Requests {
		if r.Unknown != nil {
			unknown = r.Unknown
		}
	}
	return apart.Goal{Expr: expr.Print(expr.Lengthen(parsed, unknown)), To: solver.Only(solver.Unmet, solver.Errored), About: l.about}, true
}

// fails returns a case that fails under a hold.
func (l *look) fails(ctx context.Context, h hold) (*Evidence, error) {
	list, err := l.hold(ctx, h)
	if err != nil {
		return nil, err
	}
	for _, x := range list {
		switch {
		case len(x.failing) > 0:
			e := caseOf(x.failing[0])
			return &e, nil
		case len(x.wrong) > 0:
			return &x.wrong[0].Evidence, nil
		}
	}
	for _, x := range list {
		claims, err := l.refuted(ctx, x)
		if err != nil {
			return nil, err
		}
		if len(claims) > 0 {
			e := caseOf(claims[0].claim)
			return &e, nil
		}
	}
	return nil, nil
}

// would looks for a case that would fail under a hold, and in which the target is so.
func (l *look) would(ctx context.Context, h hold, t *target) (State, bool, []Case, error) {
	list, err := l.hold(ctx, h)
	if err != nil {
		return Uncovered, false, nil, err
	}
	state, unknown, want, err := l.wouldIn(ctx, list[0], t)
	for _, x := range list[1:] {
		if err != nil || state != Impossible {
			break
		}
		// what is so under other options is said to be possible, with no case to write
		if state, _, _, err = l.wouldIn(ctx, x, t); state == Uncovered {
			unknown = true
		}
	}
	return state, unknown, want, err
}

// wouldIn is would in one world.
func (l *look) wouldIn(ctx context.Context, x *held, t *target) (State, bool, []Case, error) {
	if x.by == nil || x.finder == nil {
		return Uncovered, true, nil, nil
	}
	var goals []apart.Goal
	if t != nil {
		if goals = t.goals(x.Decider); goals == nil {
			return Uncovered, true, nil, nil
		}
	}
	d, err := x.finder.Any(ctx, x.by, l.touchedCells(x), goals...)
	switch {
	case err != nil:
		return Uncovered, false, nil, err
	case d.Verdict == solver.Impossible:
		return Impossible, false, nil, nil
	case d.Verdict == solver.Unknown:
		return Uncovered, true, nil, nil
	}
	return Uncovered, false, []Case{{
		Principal: d.Principal, Column: d.Column, Arguments: d.Arguments, Refused: d.Refused, Expect: expected(d.A.Access),
	}}, nil
}

// expected returns an access in the words of suites.
func expected(a matrix.Access) string {
	switch a {
	case matrix.Allowed:
		return authz.Allow.String()
	case matrix.Conditional:
		return authz.Conditional.String()
	case matrix.Refused:
		return "refuse"
	case matrix.Denied, matrix.Unguarded:
	}
	return authz.Deny.String()
}
