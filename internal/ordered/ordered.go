// Package ordered has what is done to lists whose order counts.
package ordered

import "slices"

// few is up to how many values a list is searched for each of them.
const few = 16

// Distinct returns the different values of a list, each where it first stands.
// The list is not changed.
func Distinct[T comparable](list []T) []T {
	kept := make([]T, 0, len(list))
	if len(list) <= few {
		for _, x := range list {
			if !slices.Contains(kept, x) {
				kept = append(kept, x)
			}
		}
		return kept
	}
	seen := make(map[T]bool, len(list))
	for _, x := range list {
		if !seen[x] {
			seen[x] = true
			kept = append(kept, x)
		}
	}
	return kept
}
