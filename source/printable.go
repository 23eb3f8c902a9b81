package source

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns s with everything spelled out that a reader would not see
// or that would act on what shows it: \n, \u202e, \U000e0041, and \xff for a
// byte that is not UTF-8. Inputs are written by strangers, and their text ends
// up in messages and reports.
func Printable(s string) string { return spell(s, Hidden) }

// PrintableASCII is Printable for media that take nothing but ASCII.
func PrintableASCII(s string) string {
	return spell(s, func(r rune) bool { return r > unicode.MaxASCII || Hidden(r) })
}

func spell(s string, hidden func(rune) bool) string {
	if Plain(s) {
		return s
	}
	var b strings.Builder
	marks := maxMarks // a mark at the start would change what stands before
	for i, n := 0, 0; i < len(s); i += n {
		var r rune
		r, n = utf8.DecodeRuneInString(s[i:])
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
		} else {
			marks++
		}
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case marks > maxMarks || hidden(r):
			b.WriteString(spelled(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// maxMarks is how many marks may pile up on one letter. No living script needs
// more.
const maxMarks = 4

func spelled(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// Plain reports whether s is nothing but printable ASCII.
func Plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Hidden reports whether a character does not print, or prints as nothing:
// controls, formats, odd spaces, what is private or unassigned, fillers and
// variation selectors.
func Hidden(r rune) bool {
	return !unicode.IsPrint(r) || r == '\u2800' ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
