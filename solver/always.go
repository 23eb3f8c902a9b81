package solver

import "context"

// A Constancy says that goals come to the same whatever is open.
type Constancy struct {
	Always bool // all goals hold for whatever requests there are
	Never  bool // for no requests all goals hold together
	Steps  int  // what it took
}

// Constant says whether goals hold always, or never. Where neither is said, either both
// can be or it is not known: no request is looked for.
func (s *Solver) Constant(ctx context.Context, w *World, goals []Goal) (Constancy, error) {
	a, err := s.analyse(ctx, w, goals, false)
	if err != nil {
		return Constancy{}, err
	}
	c := Constancy{Always: true, Never: a.impossible()}
	all := a.goals
	for _, g := range all {
		g.to = ^g.to & Only(Unmet, Met, Errored)
		a.goals = []target{g}
		c.Always = c.Always && a.impossible()
	}
	if c.Always && c.Never { // there are no requests at all
		c.Always = false
	}
	c.Steps = a.steps
	return c, ctx.Err()
}

// impossible reports whether the goals hold for no requests, whatever the leaves that are
// not covered come to.
func (a *analysis) impossible() bool {
	if a.refused() {
		return true
	}
	e := a.encode(true)
	return len(e.clauses) <= a.limits.Size && e.model() == nil
}
