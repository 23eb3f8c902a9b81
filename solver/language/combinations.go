package language

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Combination is which of several languages some texts lie in, and which they do not.
type Combination struct {
	Members []bool   // by language
	Texts   []string // different ones, shortest first
}

// Combinations finds, for every combination of languages that any text lies in, up to k
// texts; fewer only where there are no more. It takes a number of steps at most; it is
// complete if these were enough.
//
// It walks the states of all languages at once, breadth first, and each k times at most.
// That is enough: whatever leads on from a state leads on in the same way for each text
// that got there, so more than k texts there would only make more than k of each
// combination further on; and of letters that no language tells apart k are tried.
func Combinations(list []*Language, k, steps int) (found []Combination, complete bool) {
	letters := alphabet(list, k)
	type at struct {
		text   string
		states []string
	}
	first := at{states: make([]string, len(list))}
	for i, l := range list {
		first.states[i] = l.start
	}
	visits := map[string]int{strings.Join(first.states, "\x00"): 1}
	index := map[string]int{}
	queue := []at{first}
	for len(queue) > 0 {
		here := queue[0]
		queue = queue[1:]
		members := make([]bool, len(list))
		key := make([]byte, len(list))
		for i, l := range list {
			if members[i] = l.accept(here.states[i]); members[i] {
				key[i] = 1
			}
		}
		n, known := index[string(key)]
		if !known {
			n = len(found)
			index[string(key)] = n
			found = append(found, Combination{Members: members})
		}
		if c := &found[n]; len(c.Texts) < k {
			c.Texts = append(c.Texts, here.text)
		}
		for _, r := range letters {
			if steps--; steps < 0 {
				return found, false
			}
			next := at{states: make([]string, len(list))}
			for i, l := range list {
				next.states[i] = l.step(here.states[i], r)
			}
			key := strings.Join(next.states, "\x00")
			if visits[key] == k {
				continue
			}
			visits[key]++
			next.text = here.text + string(r)
			queue = append(queue, next)
		}
	}
	return found, true
}

// readable are the letters that are tried before others.
const readable = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_. /:@"

// alphabet returns up to k letters of each set of letters that no language tells apart.
func alphabet(list []*Language, k int) []rune {
	cuts := []rune{0, 0xD800, 0xE000, unicode.MaxRune + 1}
	for _, l := range list {
		cuts = append(cuts, l.cuts...)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var letters []rune
	taken := map[int]int{} // by the set, which cut it begins at
	take := func(r rune) {
		set, exact := slices.BinarySearch(cuts, r)
		if !exact {
			set--
		}
		if taken[set] < k && utf8.ValidRune(r) && !slices.Contains(letters, r) {
			taken[set]++
			letters = append(letters, r)
		}
	}
	for _, r := range readable {
		take(r)
	}
	for i := 0; i+1 < len(cuts); i++ {
		for r := cuts[i]; r < cuts[i+1] && r < cuts[i]+rune(k)+1; r++ { //nolint:gosec // a handful
			if r >= 0 && r <= unicode.MaxRune {
				take(r)
			}
		}
	}
	return letters
}
