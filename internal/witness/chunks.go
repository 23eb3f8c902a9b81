package witness

import (
	"cmp"
	"iter"
	"slices"
)

// chunk is up to how many candidates are tried at once where it may end there.
const chunk = 32

// Chunks yields candidates in slices that grow: the first are the likeliest.
func Chunks(each iter.Seq[Candidate]) iter.Seq[[]Candidate] {
	return func(yield func([]Candidate) bool) {
		var list []Candidate
		full := 4
		for c := range each {
			if list = append(list, c); len(list) < full {
				continue
			}
			if !yield(list) {
				return
			}
			list, full = nil, min(2*full, chunk)
		}
		if len(list) > 0 {
			yield(list)
		}
	}
}

// Within yields the arguments that the schema allows for some searches, in
// chunks; in each those with the fewest first.
func Within(searches ...*Search) iter.Seq[[]map[string]any] {
	allowed := func(yield func(Candidate) bool) {
		for _, q := range searches {
			for c := range q.Candidates().Each {
				if c.Within && !yield(c) {
					return
				}
			}
		}
	}
	return func(yield func([]map[string]any) bool) {
		for some := range Chunks(allowed) {
			list := make([]map[string]any, len(some))
			for i, c := range some {
				list[i] = c.Arguments
			}
			slices.SortStableFunc(list, func(a, b map[string]any) int { return cmp.Compare(len(a), len(b)) })
			if !yield(list) {
				return
			}
		}
	}
}
