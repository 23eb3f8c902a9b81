package explain

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/solver"
)

// Bounds of the search, so that it ends, and in the same way on every machine.
const (
	mostQuestions = 150     // to the solver
	mostSets      = 100_000 // of places that are counted through
	mostSteps     = 60_000  // of the solver, together
	mostRows      = 20_000  // of one question
)

// A budget is what is left of the bounds.
type budget struct{ questions, sets, steps int }

// find finds the smallest change of all places, and of arguments alone.
func (s *search) find(ctx context.Context) error {
	all := make([]int, len(s.places))
	arguments := 0
	for i, p := range s.places {
		if all[i] = i; p.Kind == Argument {
			arguments++
		}
	}
	b := &budget{mostQuestions, mostSets, mostSteps}
	found, err := s.least(ctx, b, all)
	if err != nil {
		return err
	}
	if err := s.others(ctx, b, &found); err != nil {
		return err
	}
	s.result.Verdict, s.result.Change, s.result.Least, s.result.Open = found.verdict, found.change, found.least, found.open
	if found.verdict != solver.Possible || !found.least {
		for _, p := range s.places {
			s.result.Tried = append(s.result.Tried, p.Place())
		}
	}
	if found.change == nil {
		return nil
	}
	if s.result.Change, err = s.finished(ctx, found.change); err != nil {
		return err
	}
	if arguments == 0 || arguments == len(all) || found.change.isOfArguments() {
		return nil
	}
	alone, err := s.least(ctx, b, all[:arguments])
	if err == nil && alone.change != nil {
		s.result.Arguments, err = s.finished(ctx, alone.change)
	}
	return err
}

// others takes back what a search came to where there is more to change than the places
// that it was over: where all arguments, attributes or claims are read, those that are not
// there may matter as well.
func (s *search) others(ctx context.Context, b *budget, f *finding) error {
	switch {
	case len(s.whole) == 0 || f.verdict == solver.Possible && len(f.change.Values) == 1:
		return nil
	case f.verdict == solver.Impossible:
		all := make([]int, len(s.places))
		for i := range all {
			all[i] = i
		}
		a, err := s.solve(ctx, b, all, s.whole...)
		if err != nil || a.Verdict == solver.Impossible {
			return err
		}
		f.verdict = solver.Unknown
	}
	for _, kind := range s.whole {
		f.open = append(f.open, kind.String()+"s of any name")
	}
	f.least = false
	return nil
}

// isOfArguments reports whether a change is of arguments alone.
func (c *Change) isOfArguments() bool {
	return !slices.ContainsFunc(c.Values, func(v Value) bool { return v.Kind != Argument })
}

// finished chooses the values of a change, and says what it still depends on.
func (s *search) finished(ctx context.Context, c *Change) (*Change, error) {
	c, err := s.readable(ctx, c)
	if err != nil || s.Arguments != nil {
		return c, err
	}
	cells, err := s.Matrix.Look(ctx, s.Column, []*authz.Principal{c.Principal})
	if err == nil {
		c.Condition = cells[0].Condition
	}
	return c, err
}

// A finding is what a search came to.
type finding struct {
	verdict solver.Verdict
	change  *Change
	least   bool     // no fewer places will do
	open    []string // what could not be treated
}

// least finds the smallest set of some places that are enough to change, the first of these
// in the order of the places. A place without which no set is enough is in all of them. Where
// a set is not enough, it is extended as far as it can be without being enough, and then
// one of the remaining places has to be in every set that is.
func (s *search) least(ctx context.Context, b *budget, of []int) (finding, error) {
	whole, err := s.solve(ctx, b, of)
	if err != nil || whole.Verdict == solver.Impossible {
		return finding{verdict: solver.Impossible}, err
	}
	f := finding{open: whole.Open}
	needed, others, err := s.needed(ctx, b, of)
	if err != nil {
		return f, err
	}
	var hit [][]int
	doubt := 0 // of the smallest set of which it is not known whether it is enough
	for size := max(1, len(needed)); size <= len(of); size++ {
		for some := range combinations(others, size-len(needed)) {
			if b.sets--; b.sets < 0 || b.questions <= 0 || b.steps <= 0 {
				return s.fallback(ctx, f, of, &whole)
			}
			set := slices.Sorted(slices.Values(slices.Concat(needed, some)))
			if !hits(hit, set) {
				continue
			}
			a, err := s.solve(ctx, b, set)
			if err != nil {
				return f, err
			}
			switch a.Verdict {
			case solver.Possible:
				f.verdict, f.change, f.least = solver.Possible, s.changed(&a), doubt == 0 || doubt == size
				if doubt == 0 {
					f.open = nil
				}
				return f, nil
			case solver.Unknown:
				doubt = cmp.Or(doubt, size)
				f.open = ordered.Distinct(append(f.open, a.Open...))
			case solver.Impossible:
				left, err := s.left(ctx, b, of, set)
				if err != nil {
					return f, err
				}
				hit = append(hit, left)
			}
		}
	}
	return f, nil
}

// needed returns the places without which no change of the others is enough, and the
// others.
func (s *search) needed(ctx context.Context, b *budget, of []int) (needed, others []int, err error) {
	for i, p := range of {
		if b.questions <= 0 || b.steps <= 0 {
			return needed, append(others, of[i:]...), nil
		}
		never, err := s.never(ctx, b, slices.Delete(slices.Clone(of), i, i+1))
		if err != nil {
			return nil, nil, err
		}
		if never {
			needed = append(needed, p)
		} else {
			others = append(others, p)
		}
	}
	return needed, others, nil
}

// left extends a set of places that is not enough as far as possible, and returns the
// others.
func (s *search) left(ctx context.Context, b *budget, of, set []int) ([]int, error) {
	set = slices.Clone(set)
	var left []int
	for _, p := range of {
		if slices.Contains(set, p) {
			continue
		}
		if b.questions <= 0 || b.steps <= 0 {
			left = append(left, p)
			continue
		}
		never, err := s.never(ctx, b, append(set, p))
		if err != nil {
			return nil, err
		}
		if never {
			set = append(set, p)
		} else {
			left = append(left, p)
		}
	}
	return left, nil
}

// fallback is what is known where the search had to end: the change of all places, if
// there is one, less what it does without. Nobody knows whether it is the smallest.
func (s *search) fallback(ctx context.Context, f finding, of []int, whole *solver.Answer) (finding, error) {
	f.open = append(f.open, fmt.Sprintf("all changes of %d values together", len(of)))
	if whole.Verdict != solver.Possible {
		return f, nil
	}
	c := s.changed(whole)
	for _, v := range c.Values {
		less := *c
		was, there := s.now(&v)
		if less.put(v.Kind, v.Name, was); !there {
			less.remove(v.Kind, v.Name)
		}
		if v.Kind == Argument && !s.fits.Allows(less.Arguments) {
			continue
		}
		ok, err := s.allowed(ctx, less.Principal, less.Arguments)
		if err != nil {
			return f, err
		}
		if ok {
			less.Values = slices.DeleteFunc(slices.Clone(c.Values), func(x Value) bool { return x.Kind == v.Kind && x.Name == v.Name })
			c = &less
		}
	}
	f.verdict, f.change = solver.Possible, c
	return f, nil
}

// solve asks whether a change of some places is enough, and of all others of some kinds.
func (s *search) solve(ctx context.Context, b *budget, set []int, open ...ValueKind) (solver.Answer, error) {
	a, err := s.solver.Solve(ctx, s.part(set, open...), s.goals)
	if err != nil && ctx.Err() == nil { // what the engine does not take by itself says nothing
		a, err = solver.Answer{Open: []string{err.Error()}}, nil
	}
	b.questions--
	b.steps -= a.Steps
	for i := range a.Open {
		a.Open[i] = s.worded(a.Open[i])
	}
	return a, err
}

// never reports whether a change of some places is certainly not enough.
func (s *search) never(ctx context.Context, b *budget, set []int) (bool, error) {
	certain, steps, err := s.solver.Impossible(ctx, s.part(set), s.goals)
	if err != nil && ctx.Err() == nil {
		certain, err = false, nil
	}
	b.questions--
	b.steps -= steps
	return certain, err
}

// part returns the world of which only some places are open, and all others of some kinds.
func (s *search) part(set []int, open ...ValueKind) *solver.World {
	only := &solver.Part{Arguments: []string{}, Attributes: []string{}, Claims: []string{}}
	lists := [...]*[]string{&only.Arguments, &only.Attributes, &only.Claims}
	for _, i := range set {
		list := lists[s.places[i].Kind]
		*list = append(*list, s.places[i].Name)
	}
	for _, kind := range open {
		*lists[kind] = nil
	}
	if s.Arguments == nil {
		only.Arguments = nil
	}
	w := s.world
	w.Only = only
	return &w
}

// worded returns what the solver says in the words of conditions: arguments.region.
func (s *search) worded(text string) string {
	for i := range s.world.Requests {
		if path := s.world.Requests[i].Unknown; path != nil {
			text = strings.ReplaceAll(text, "resource."+strings.Join(path, ".")+".", "arguments.")
		}
	}
	return text
}

// changed returns the change that an answer shows.
func (s *search) changed(a *solver.Answer) *Change {
	who, arguments := s.made(a.Requests)
	c := &Change{Principal: who, Arguments: arguments}
	if s.Arguments != nil {
		c.Values = differences(Argument, s.Arguments, arguments)
	}
	c.Values = append(c.Values, differences(Attribute, s.Principal.Attr, who.Attr)...)
	c.Values = append(c.Values, differences(Claim, s.Principal.AuxData, who.AuxData)...)
	return c
}

// differences lists what is not the same in two mappings, by name.
func differences(kind ValueKind, old, changed map[string]any) []Value {
	var list []Value
	names := slices.Concat(slices.Collect(maps.Keys(old)), slices.Collect(maps.Keys(changed)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		v, there := changed[name]
		was, before := old[name]
		if there != before || asJSON(v) != asJSON(was) {
			list = append(list, Value{Kind: kind, Name: name, To: v, Removed: !there})
		}
	}
	return list
}

// combinations yields the sets of a size in the order of their members. They are to be
// read only, and until the next.
func combinations(of []int, size int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		set := make([]int, 0, size)
		var next func(from int) bool
		next = func(from int) bool {
			if len(set) == size {
				return yield(set)
			}
			for i := from; i+size-len(set) <= len(of); i++ {
				set = append(set, of[i])
				if !next(i + 1) {
					return false
				}
				set = set[:len(set)-1]
			}
			return true
		}
		next(0)
	}
}

// hits reports whether a set has a member of each of some others.
func hits(others [][]int, set []int) bool {
	return !slices.ContainsFunc(others, func(other []int) bool {
		return !slices.ContainsFunc(other, func(p int) bool { return slices.Contains(set, p) })
	})
}
