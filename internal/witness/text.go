package witness

import (
	"encoding/json"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// infixesAtMost is up to how many substrings are tried in all combinations.
const infixesAtMost = 4

// combined lists strings that begin with, end with and contain what is looked for
// in every combination. What is put between them occurs in none of it.
func (n *needs) combined(known []string) []string {
	sought := slices.Concat(known, n.prefixes, n.suffixes, n.infixes)
	gap := unused(strings.Join(sought, ""))
	infixes := n.infixes[:min(len(n.infixes), infixesAtMost)]
	var list []string
	for _, prefix := range append(slices.Clone(n.prefixes), "") {
		for _, suffix := range append(slices.Clone(n.suffixes), "") {
			for set := range 1 << len(infixes) {
				text := prefix + gap
				for i, infix := range infixes {
					if set>>i&1 == 1 {
						text += infix + gap
					}
				}
				list = append(list, text+suffix)
			}
		}
	}
	return list
}

// unused returns a letter, or another character, that does not occur.
func unused(in string) string {
	for r := 'x'; ; r++ {
		if r > 'z' && r < '¡' {
			continue
		}
		if !strings.ContainsRune(in, r) {
			return string(r)
		}
	}
}

// matching adds strings that match the patterns, and reports whether there are
// both such and others for the only one.
func (p *slot) matching(patterns []string) bool {
	both := true
	for _, pattern := range patterns {
		re, err := regexp.Compile(pattern)
		if err != nil {
			both = false
			continue
		}
		if v, ok := matchOf(re); ok {
			p.add(v)
		} else {
			both = false
		}
		both = both && slices.ContainsFunc(p.values, func(v any) bool {
			s, ok := v.(string)
			return ok && !re.MatchString(s)
		})
	}
	return both && len(patterns) == 1
}

// matchOf returns a string that a regular expression matches.
func matchOf(re *regexp.Regexp) (string, bool) {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	write(&b, parsed)
	return b.String(), b.Len() <= largest && re.MatchString(b.String())
}

// write writes the shortest text of an expression, give or take.
func write(b *strings.Builder, re *syntax.Regexp) {
	if b.Len() > largest {
		return
	}
	switch re.Op { //nolint:exhaustive // what is left is empty
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			b.WriteRune(pick(re.Rune))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpPlus, syntax.OpCapture:
		write(b, re.Sub[0])
	case syntax.OpRepeat:
		for range re.Min {
			write(b, re.Sub[0])
		}
	case syntax.OpAlternate:
		write(b, re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			write(b, sub)
		}
	}
}

// pick returns a character of a class, a letter or digit if there is one.
func pick(class []rune) rune {
	for i := 0; i+1 < len(class); i += 2 {
		for _, r := range []rune{'a', 'x', 'A', '1', '0'} {
			if class[i] <= r && r <= class[i+1] {
				return r
			}
		}
	}
	return class[0]
}

// textOf writes a value so that two are the same if their texts are.
func textOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // never: values are JSON
	}
	return string(b)
}
