package source

import (
	"fmt"
	"strings"
	"unicode"
)

// Printable returns s with every character that a terminal would act on, or
// that hides or reorders text, written as an escape. Inputs are written by
// strangers, and their text ends up in messages.
func Printable(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !unprintable(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// unprintable reports control characters and the invisible ones of Unicode's
// format category: zero-width, bidirectional, tags.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}
