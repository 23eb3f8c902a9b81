package solver

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/solver/language"
)

// textsOf returns every constant, and k texts for each combination of predicates that any
// other text meets, or all of them where there are fewer. It says whether they are enough:
// where texts of places come in an order, the predicates have to be cuts of that order.
func textsOf(constants []string, predicates []predicate, k, steps int, ordered bool) (texts []string, enough bool) {
	constants = slices.Compact(slices.Sorted(slices.Values(constants)))
	texts = slices.Clone(constants)
	var sets []*language.Language
	var names []string
	enough = true
	predicates = slices.SortedFunc(slices.Values(predicates), func(x, y predicate) int { return strings.Compare(x.name, y.name) })
	for _, p := range predicates {
		if !slices.Contains(names, p.name) {
			names, sets = append(names, p.name), append(sets, p.of)
			enough = enough && (!ordered || p.cut)
		}
	}
	if ordered {
		for _, c := range texts {
			if p := before(c); !slices.Contains(names, p.name) {
				names, sets = append(names, p.name), append(sets, p.of)
			}
		}
	}
	if len(sets) == 0 {
		return append(texts, fresh(texts, k)...), enough
	}
	found, complete := language.Combinations(sets, k+len(constants), steps)
	for _, c := range found {
		left := k
		for _, text := range c.Texts {
			if left > 0 && !slices.Contains(constants, text) {
				texts = append(texts, text)
				left--
			}
		}
	}
	return texts, enough && complete
}

// fresh returns k texts that are none of some.
func fresh(of []string, k int) []string {
	var list []string
	for i := 1; len(list) < k; i++ {
		text := "other"
		if i > 1 {
			text += " " + strconv.Itoa(i)
		}
		if !slices.Contains(of, text) {
			list = append(list, text)
		}
	}
	return list
}
