package report

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// zeroWidth is the zero-width space, which GitHub's own advice puts into text
// that is not to become a link. No other can stand in visible text.
const zeroWidth = '\u200b'

// linkish is what GitHub makes links, mentions, references and emoji of, what starts a
// numbered list, and what GitLab refers with: !12, $12, &12, %name, ~label, ^alert,
// [issue:12], *iteration:12. Each group is what comes before the break: both look at what
// is shown, so that escapes do not help.
var linkish = regexp.MustCompile(`(?i)(@)[\pL\pN_]|(#)[0-9]|(:)//|(:)[0-9]*[a-z_+-][0-9a-z_+-]*:|(gh-)[0-9]|(www)\.|^( *[0-9]+)[.)]` +
	`|([!$&])[0-9]|([%~])["\pL\pN_]|(\^)alert|([*[])[a-z_]+:|([{[])[+-]`)

// mdText returns plain text as Markdown that shows just that: no syntax, no
// HTML, no table cells, no links. It can stand inside of HTML, too.
func mdText(s string) string {
	s = breakLinks(visible(s))
	var b strings.Builder
	before := ' '
	start := true // nothing but spaces so far
	for i, r := range s {
		after, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		switch {
		case r == zeroWidth,
			strings.ContainsRune("|`\\<>&*[]~$", r),
			r == '_' && (!isWord(before) || !isWord(after)),
			start && strings.ContainsRune("#+-=:/", r): // GitLab obeys a line like /close
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
		before, start = r, start && r == ' '
	}
	return b.String()
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func breakLinks(s string) string {
	for { // a match may hide one that overlaps it
		found := false
		s = linkish.ReplaceAllStringFunc(s, func(m string) string {
			found = true
			groups := linkish.FindStringSubmatch(m)
			head := strings.Join(groups[1:], "")
			return head + string(zeroWidth) + m[len(head):]
		})
		if !found {
			return s
		}
	}
}

// mdCode returns text as code: a span if the text is simple, else an element.
func mdCode(s string) string { return code(visible(s), "`") }

// mdCell is mdCode for the cell of a table, where a pipe ends even code.
func mdCell(s string) string { return code(visible(s), "`|") }

// code makes code of text; the special characters cannot stand in a span.
func code(s, special string) string {
	if s != "" && s == strings.TrimSpace(s) && !strings.ContainsAny(s, special) && !strings.Contains(s, "  ") {
		return "`" + s + "`"
	}
	var b strings.Builder
	b.WriteString("<code>")
	for _, r := range s {
		switch {
		case r == ' ':
			b.WriteString("&#160;") // HTML makes one space of several
		case r < utf8.RuneSelf && unicode.In(r, unicode.P, unicode.S):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString("</code>")
	return b.String()
}
