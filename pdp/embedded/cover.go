package embedded

import (
	"cmp"
	"slices"
)

// term returns the values of the groups on a path.
func (p *exploredPath) term() implicant {
	var t implicant
	for g, v := range p.groups {
		switch v {
		case isTrue:
			t.positive |= 1 << g
		case isFalse:
			t.negative |= 1 << g
		case isFree, isError:
		}
	}
	return t
}

// terminals returns the terms of the paths on which the engine allowed, and of the others.
// Each point is on one path.
func (x *exploration) terminals() (allowed, denied []implicant) {
	for i := range x.paths {
		if p := &x.paths[i]; p.allowed {
			allowed = append(allowed, p.term())
		} else {
			denied = append(denied, p.term())
		}
	}
	return allowed, denied
}

// cover returns terms that hold all of the allowed ones and meet none of the denied: each
// allowed one less all that it can do without, taken greedily.
func cover(allowed, denied []implicant) []implicant {
	wide := make([]implicant, len(allowed))
	for i, t := range allowed {
		wide[i] = t.widened(denied)
	}
	left := slices.Clone(allowed)
	var chosen []implicant
	for len(left) > 0 {
		held := func(t implicant) (n int) {
			for _, of := range left {
				if t.holds(of) {
					n++
				}
			}
			return n
		}
		best, most := implicant{}, -1
		for _, t := range wide {
			if n := held(t); cmp.Or(cmp.Compare(n, most), cmp.Compare(best.size(), t.size())) > 0 {
				best, most = t, n
			}
		}
		chosen = append(chosen, best)
		left = slices.DeleteFunc(left, best.holds)
	}
	return chosen
}

// widened returns a term without what it needs not to meet any of others: what denies
// before what allows, the last groups first.
func (t implicant) widened(others []implicant) implicant {
	free := func(without implicant) bool { return !slices.ContainsFunc(others, without.meets) }
	for g := maxCovered - 1; g >= 0; g-- {
		if less := (implicant{t.positive, t.negative &^ (1 << g)}); less != t && free(less) {
			t = less
		}
	}
	for g := maxCovered - 1; g >= 0; g-- {
		if less := (implicant{t.positive &^ (1 << g), t.negative}); less != t && free(less) {
			t = less
		}
	}
	return t
}

// meets reports whether two terms have a point in common.
func (t implicant) meets(other implicant) bool {
	return t.positive&other.negative == 0 && t.negative&other.positive == 0
}

// holds reports whether all points of another term are of this one.
func (t implicant) holds(other implicant) bool {
	return t.positive&^other.positive == 0 && t.negative&^other.negative == 0
}
