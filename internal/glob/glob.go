// Package glob compiles the patterns that users write for names of their own:
// principals, roles, tools, files of suites. The patterns in policies are
// Cerbos's, and package policy matches those as Cerbos does.
//
// "*" and "?" match any characters, and there are [abc], [a-z], [!a] and
// {one,other}; a backslash takes a character's meaning away.
package glob

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// maxPattern bounds a pattern, so that none costs much to compile.
const maxPattern = 4096

// Is reports whether a text that is no name is a pattern.
func Is(text string) bool { return strings.ContainsAny(text, `*?[{\`) }

// Compile returns what matches the texts of a pattern. It is not the
// library that Cerbos uses: gobwas/glob takes "b*b" to match "b", and
// "{a*,b}c" not to match "axc", so that a suite would pass over tools that it
// means to be about.
func Compile(pattern string) (*regexp.Regexp, error) { return compileWith(pattern, ".*", ".*", ".") }

// CompilePath is Compile for file names: an asterisk stops at a slash, and
// two of them do not.
func CompilePath(pattern string) (*regexp.Regexp, error) {
	return compileWith(pattern, "[^/]*", ".*", "[^/]")
}

// compileWith takes what stands for "*", "**" and "?".
func compileWith(pattern, star, stars, one string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("a pattern of more than %d bytes", maxPattern)
	}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	depth := 0
	for rest := []rune(pattern); len(rest) > 0; {
		c := rest[0]
		rest = rest[1:]
		switch {
		case c == '*' && len(rest) > 0 && rest[0] == '*':
			b.WriteString(stars)
			rest = rest[1:]
		case c == '*':
			b.WriteString(star)
		case c == '?':
			b.WriteString(one)
		case c == '[':
			n, err := class(&b, rest)
			if err != nil {
				return nil, fmt.Errorf("invalid pattern %q: %w", pattern, err)
			}
			rest = rest[n:]
		case c == '{':
			depth++
			b.WriteString("(?:")
		case c == ',' && depth > 0:
			b.WriteByte('|')
		case c == '}' && depth > 0:
			depth--
			b.WriteByte(')')
		case c == '\\' && len(rest) == 0:
			return nil, fmt.Errorf("invalid pattern %q: nothing follows the \\", pattern)
		case c == '\\':
			b.WriteString(regexp.QuoteMeta(string(rest[0])))
			rest = rest[1:]
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	if depth > 0 {
		return nil, fmt.Errorf("invalid pattern %q: a { is not closed", pattern)
	}
	re, err := regexp.Compile(b.String() + `\z`)
	if err != nil { // braces nested out of all proportion
		return nil, fmt.Errorf("invalid pattern %q", pattern)
	}
	return re, nil
}

// class writes a set of characters, of which the bracket that opens it is
// read, and returns its length.
func class(b *strings.Builder, rest []rune) (int, error) {
	b.WriteByte('[')
	i := 0
	if i < len(rest) && rest[i] == '!' {
		b.WriteByte('^')
		i++
	}
	next := func() (rune, error) {
		if i < len(rest) && rest[i] == '\\' {
			i++
		}
		if i >= len(rest) {
			return 0, errors.New("a [ is not closed")
		}
		i++
		return rest[i-1], nil
	}
	for start := i; ; {
		if i < len(rest) && rest[i] == ']' {
			if i == start {
				return 0, errors.New("a [] is empty")
			}
			b.WriteByte(']')
			return i + 1, nil
		}
		low, err := next()
		if err != nil {
			return 0, err
		}
		high := low
		if i+1 < len(rest) && rest[i] == '-' && rest[i+1] != ']' {
			i++
			if high, err = next(); err != nil {
				return 0, err
			}
		}
		if high < low {
			return 0, fmt.Errorf("%c-%c is no range", low, high)
		}
		fmt.Fprintf(b, `\x{%x}-\x{%x}`, low, high)
	}
}
