package lint

import "strings"

// set is a set of words.
func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// severally says of several what is said of one.
func severally(does string) string {
	verb, rest, _ := strings.Cut(does, " ")
	return strings.TrimSuffix(verb, "s") + " " + rest
}
