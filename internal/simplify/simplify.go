package simplify

import (
	"context"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/solver"
)

// What is spent on the conditions of one report, and on one of them. Beyond these a
// condition stays as it is.
const (
	mostSteps    = 60_000
	mostRead     = 500 // different ones
	mostTried    = 40  // of those that may be said shorter
	mostAttempts = 24
	mostText     = 1500
)

// A Simplifier simplifies the conditions of one report. It is not to be used from several
// goroutines at once.
type Simplifier struct {
	solver *solver.Solver
	steps  int
}

// New returns a simplifier that asks a solver.
func New(s *solver.Solver) *Simplifier {
	s.Limits = solver.Limits{Values: 600, Rows: 6_000, Total: 12_000, Texts: 40_000, Size: 60_000}
	return &Simplifier{solver: s}
}

// An Asked is the condition of a decision on a request.
type Asked struct {
	Condition authz.Condition
	Request   authz.Request
}

// Conditions returns, in order, conditions that are met by the same requests as those
// asked about: by whatever principal, with whatever arguments, whenever. An error counts
// as not met.
func (s *Simplifier) Conditions(ctx context.Context, list []Asked) ([]authz.Condition, error) {
	keys := make([]string, len(list))
	for i := range list {
		keys[i] = list[i].key()
	}
	drafts, err := s.drafts(ctx, list, keys)
	if err != nil {
		return nil, err
	}
	shorter := make([]authz.Condition, len(list))
	done := map[string]authz.Condition{}
	for i, a := range list {
		known, ok := done[keys[i]]
		if !ok {
			if known, err = s.shorten(ctx, a.Condition, drafts[keys[i]], &a.Request); err != nil {
				return nil, err
			}
			done[keys[i]] = known
		}
		shorter[i] = known
	}
	return shorter, nil
}

// drafts takes those conditions apart, by their keys, that may be said shorter, and has the
// engine compile what is in them.
func (s *Simplifier) drafts(ctx context.Context, list []Asked, keys []string) (map[string]*draft, error) {
	drafts := map[string]*draft{}
	var formulas []solver.Formula
	var requests []authz.Request
	for i, a := range list {
		if _, known := drafts[keys[i]]; known || len(drafts) == mostRead || len(formulas) == mostTried {
			continue
		}
		d := draftOf(a.Condition)
		drafts[keys[i]] = nil
		if d == nil || len(d.edits()) == 0 {
			continue
		}
		if f, ok := solver.Of(a.Condition, &a.Request); ok {
			drafts[keys[i]] = d
			formulas, requests = append(formulas, f), append(requests, open(&a.Request))
		}
	}
	if len(formulas) == 0 {
		return drafts, nil
	}
	return drafts, s.solver.Prepare(ctx, &solver.World{Requests: requests[:1]}, formulas)
}

// key is the same for conditions that are simplified alike.
func (a *Asked) key() string {
	if len(a.Condition.Reads().Resource) == 0 {
		return a.Condition.Key()
	}
	return fmt.Sprintf("%s\x00%s\x00%s\x00%v", a.Condition.Key(), a.Request.Resource.Kind, a.Request.Resource.ID, a.Request.Resource.Attr)
}

// open returns a request about anybody.
func open(r *authz.Request) authz.Request {
	about := *r
	about.AnyPrincipal = true
	return about
}

// shorten takes one edit after the other that changes nothing.
func (s *Simplifier) shorten(ctx context.Context, c authz.Condition, d *draft, r *authz.Request) (authz.Condition, error) {
	if d == nil {
		return c, nil
	}
	w := &solver.World{Requests: []authz.Request{open(r)}}
	edits, attempts := d.edits(), 0
	for len(edits) > 0 && attempts < mostAttempts && s.steps < mostSteps {
		attempts++
		d, edits = edits[0], edits[1:]
		shorter := d.condition()
		same, err := s.same(ctx, w, c, shorter)
		if err != nil {
			return c, err
		}
		if same {
			c, edits = shorter, d.edits()
		}
	}
	return c, nil
}

// same reports whether it is known that two conditions are met by the same requests.
func (s *Simplifier) same(ctx context.Context, w *solver.World, a, b authz.Condition) (bool, error) {
	f, known := solver.Of(a, &w.Requests[0])
	g, also := solver.Of(b, &w.Requests[0])
	if !known || !also {
		return false, nil
	}
	met, not := solver.Only(solver.Met), solver.Only(solver.Unmet, solver.Errored)
	for _, goals := range [][]solver.Goal{{{Formula: g, To: met}, {Formula: f, To: not}}, {{Formula: f, To: met}, {Formula: g, To: not}}} {
		never, steps, err := s.solver.Impossible(ctx, w, goals)
		if err != nil {
			return false, ctx.Err() // the engine does not take it: nothing is known
		}
		if s.steps += steps; !never {
			return false, nil
		}
	}
	return true, nil
}
