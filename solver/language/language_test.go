package language_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/solver/language"
)

// A predicate is a language and what it says of a text by other means.
type predicate struct {
	name  string
	of    *language.Language
	holds func(string) bool
}

func somePredicate(t *testing.T, r *rand.Rand) predicate {
	t.Helper()
	var b strings.Builder
	for range r.IntN(3) {
		b.WriteByte("ab_Ab"[r.IntN(5)])
	}
	text := b.String()
	switch r.IntN(9) {
	case 0:
		return predicate{"equal " + text, language.Equal(text), func(s string) bool { return s == text }}
	case 1:
		return predicate{"prefix " + text, language.Prefix(text), func(s string) bool { return strings.HasPrefix(s, text) }}
	case 2:
		return predicate{"suffix " + text, language.Suffix(text), func(s string) bool { return strings.HasSuffix(s, text) }}
	case 3:
		return predicate{"contains " + text, language.Contains(text), func(s string) bool { return strings.Contains(s, text) }}
	case 4:
		return predicate{"less " + text, language.Less(text), func(s string) bool { return s < text }}
	case 5:
		n := r.IntN(4)
		return predicate{fmt.Sprint("at most ", n), language.AtMost(n), func(s string) bool { return len([]rune(s)) <= n }}
	case 6:
		return predicate{"lowered " + text, language.Lowered(language.Equal(text)), func(s string) bool { return strings.ToLower(s) == text }}
	case 7:
		return predicate{"between " + text, language.Between(text, text), func(s string) bool {
			return len(s) >= 2*len(text) && strings.HasPrefix(s, text) && strings.HasSuffix(s, text)
		}}
	}
	pattern := somePattern(r, 3)
	of, err := language.Matches(pattern)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	return predicate{"matches " + pattern, of, regexp.MustCompile(pattern).MatchString}
}

func somePattern(r *rand.Rand, depth int) string {
	if depth == 0 {
		return []string{"a", "b", "[ab]", "[^a]", ".", "A", "(?i:a)", "_", "^", "$", "^a", "b$", ""}[r.IntN(13)]
	}
	a, b := somePattern(r, depth-1), somePattern(r, depth-1)
	switch r.IntN(6) {
	case 0:
		return "(?:" + a + "|" + b + ")"
	case 1:
		return "(?:" + a + ")*"
	case 2:
		return "(?:" + a + "){1,2}"
	case 3:
		return "(?:" + a + ")?" + b
	}
	return a + b
}

// TestCombinations holds what is found to all texts of up to five letters of a small
// alphabet: every combination that one of them is in is found, and each text that is found
// lies where it is said to, by other means.
func TestCombinations(t *testing.T) {
	t.Parallel()
	var all []string
	for from := []string{""}; len(from[0]) <= 5; {
		all = append(all, from...)
		var next []string
		for _, s := range from {
			for _, c := range "abA_" {
				next = append(next, s+string(c))
			}
		}
		from = next
	}
	for seed := range rounds.Of(60, 3000) {
		r := rand.New(rand.NewPCG(uint64(seed), 3)) //nolint:gosec // a test
		var list []predicate
		var languages []*language.Language
		for range 1 + r.IntN(4) {
			p := somePredicate(t, r)
			list, languages = append(list, p), append(languages, p.of)
		}
		k := 1 + r.IntN(3)
		found, complete := language.Combinations(languages, k, 400000)
		if !complete {
			t.Fatalf("seed %d: given up", seed)
		}
		where := func(s string) string {
			var b strings.Builder
			for _, p := range list {
				fmt.Fprint(&b, p.holds(s), " ")
			}
			return b.String()
		}
		known := map[string]int{}
		for _, c := range found {
			key := ""
			for _, m := range c.Members {
				key += fmt.Sprint(m, " ")
			}
			seen := map[string]bool{}
			for _, s := range c.Texts {
				if seen[s] || where(s) != key {
					t.Errorf("seed %d: %q is twice or not where it is said to be: %s, %s", seed, s, key, names(list))
				}
				seen[s] = true
			}
			known[key] = len(c.Texts)
		}
		count := map[string]int{}
		for _, s := range all {
			count[where(s)]++
		}
		for key, n := range count {
			if known[key] < min(n, k) {
				t.Errorf("seed %d: %d of %d texts found of %s: %s", seed, known[key], min(n, k), key, names(list))
			}
		}
	}
}

func names(list []predicate) string {
	var names []string
	for _, p := range list {
		names = append(names, p.name)
	}
	return strings.Join(names, "; ")
}

// TestPatterns says which patterns are not covered, and that hostile ones end.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{`\bword\b`, `(?m)^line$`, `(`, `(?:(?:a{200}){20})`} {
		if _, err := language.Matches(pattern); err == nil {
			t.Errorf("%s is covered", pattern)
		}
	}
	l, err := language.Matches(`(?:a|b)*a(?:a|b){30}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, complete := language.Combinations([]*language.Language{l}, 1, 2000); complete {
		t.Error("a pattern of a billion states is walked in 2000 steps")
	}
	far := language.AtMost(900)
	if found, complete := language.Combinations([]*language.Language{far}, 1, 400000); !complete || len(found) != 2 {
		t.Errorf("%d combinations, complete: %t", len(found), complete)
	}
}

func ExampleCombinations() {
	id, err := language.Matches(`^[a-z]+-\d{2}$`)
	if err != nil {
		fmt.Println(err)
		return
	}
	found, _ := language.Combinations([]*language.Language{id, language.Prefix("ops-")}, 1, 400000)
	for _, c := range found {
		fmt.Printf("%v %q\n", c.Members, c.Texts)
	}
	// Output:
	// [false false] [""]
	// [true false] ["a-00"]
	// [false true] ["ops-"]
	// [true true] ["ops-00"]
}
