package solver

import "context"

// A Relation says how two conditions relate, by the requests that meet them.
type Relation uint8

// The relations. Unrelated is what is not known.
const (
	Unrelated Relation = iota
	Equal
	Wider        // the first is met whenever the second is, and not the other way round
	Narrower     // the other way round
	Incomparable // each is met without the other
)

// String returns unknown, equal, wider, narrower or incomparable.
func (r Relation) String() string {
	return [...]string{"unknown", "equal", "wider", "narrower", "incomparable"}[r]
}

// A Comparison says how two conditions relate.
type Comparison struct {
	Relation Relation
	First    Answer // whether the first can be met while the second is not
	Second   Answer // whether the second can be met while the first is not
}

// Compare compares two conditions on one request of a world.
func (s *Solver) Compare(ctx context.Context, w *World, request int, first, second Formula) (Comparison, error) {
	var c Comparison
	met, not := Only(Met), Only(Unmet, Errored)
	a, err := s.analyse(ctx, w, []Goal{{first, request, met}, {second, request, not}}, false)
	if err != nil {
		return c, err
	}
	if c.First, err = a.solve(ctx); err != nil {
		return c, err
	}
	a.goals[0].to, a.goals[1].to = not, met
	if c.Second, err = a.solve(ctx); err != nil {
		return c, err
	}
	c.Relation = relationOf(c.First.Verdict, c.Second.Verdict)
	return c, nil
}

func relationOf(first, second Verdict) Relation {
	switch {
	case first == Possible && second == Possible:
		return Incomparable
	case first == Possible && second == Impossible:
		return Wider
	case first == Impossible && second == Possible:
		return Narrower
	case first == Impossible && second == Impossible:
		return Equal
	}
	return Unrelated
}
