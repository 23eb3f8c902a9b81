package solver

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/solver/language"
)

// textPart is a part of a place's text, compared with constants by equality: split(s)[i],
// substring, charAt, trim. What the text has to look like is a pattern for each constant;
// whether there is such a part are further ones.
func textPart(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if len(operands) == 2 && tests[name] != nil {
		return testedPart(a, l)
	}
	if name != operators.Equals && name != operators.NotEquals && name != operators.In {
		return false
	}
	for i, x := range operands {
		if i > 0 && name == operators.In {
			break
		}
		p, patterns, there := a.part(x, l.request)
		if p == nil {
			continue
		}
		c, known := a.constant(operands[1-i], l.request)
		list, isList := c.([]any)
		if !known || isList != (name == operators.In) {
			return false
		}
		if !isList {
			list = []any{c}
		}
		for _, v := range list {
			if text, isText := v.(string); isText {
				there = append(there, patterns(text))
			}
		}
		return a.tellsApart(l, p, there)
	}
	return false
}

// testedPart is split(s)[i] tested against a constant by how it begins, ends, or what it has in
// it.
func testedPart(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	f, of := called(operands[0])
	c, isText := a.text(operands[1], l.request)
	if f != operators.Index || !isText {
		return false
	}
	p, separator, ok := a.split(of[0], l.request)
	i, isIndex := index(of[1])
	if !ok || !isIndex || utf8.RuneCountInString(separator) != 1 {
		return false
	}
	other, begin := "[^"+charClass(separator)+"]*", beforePart(separator, i)
	pattern := nowhere
	switch {
	case strings.Contains(c, separator):
	case name == "startsWith":
		pattern = begin + regexp.QuoteMeta(c)
	case name == "endsWith":
		pattern = begin + other + regexp.QuoteMeta(c) + "(?:" + regexp.QuoteMeta(separator) + "|$)"
	case name == "contains":
		pattern = begin + other + regexp.QuoteMeta(c)
	default:
		return false
	}
	return a.tellsApart(l, p, []string{begin, pattern})
}

// beforePart is a pattern of what stands before a part of a text, split by a letter.
func beforePart(separator string, i int) string {
	return fmt.Sprintf("^(?:[^%s]*%s){%d}", charClass(separator), regexp.QuoteMeta(separator), i)
}

// tellsApart notes patterns that make a difference to a place's text, and that the leaf
// depends on nothing else.
func (a *analysis) tellsApart(l *leaf, p *place, patterns []string) bool {
	var sets []predicate
	for _, pattern := range patterns {
		set, err := language.Matches(pattern)
		if err != nil {
			return false
		}
		sets = append(sets, predicate{name: "matches " + pattern, of: set})
	}
	p.langs = append(p.langs, sets...)
	l.shallow = true
	return l.covered("string")
}

// part returns the place of whose text an expression is a part, the pattern of the texts
// whose part is a constant, and patterns that say whether there is such a part.
func (a *analysis) part(e ast.Expr, request int) (p *place, pattern func(string) string, there []string) {
	name, operands := called(e)
	if len(operands) == 0 {
		return nil, nil, nil
	}
	p, ok := a.placeOf(operands[0], request)
	switch {
	case name == operators.Index:
		q, separator, ok := a.split(operands[0], request)
		i, isIndex := index(operands[1])
		if ok && isIndex && i == 0 {
			return q, func(c string) string { return "^" + regexp.QuoteMeta(c) + firstEnds(c, separator) }, nil
		}
		if !ok || !isIndex || utf8.RuneCountInString(separator) != 1 {
			return nil, nil, nil
		}
		s := regexp.QuoteMeta(separator)
		before := beforePart(separator, i)
		return q, func(c string) string {
			if strings.Contains(c, separator) {
				return nowhere
			}
			return before + regexp.QuoteMeta(c) + "(?:" + s + "|$)"
		}, []string{before}
	case !ok:
	case name == "trim" && len(operands) == 1:
		return p, func(c string) string {
			if strings.TrimSpace(c) != c {
				return nowhere
			}
			return "^" + blanks + regexp.QuoteMeta(c) + blanks + "$"
		}, nil
	case name == "charAt" && len(operands) == 2:
		if i, isIndex := index(operands[1]); isIndex {
			return p, func(c string) string {
				if c == "" {
					return fmt.Sprintf("^(?s:.{%d})$", i)
				}
				return fmt.Sprintf("^(?s:.{%d})%s", i, regexp.QuoteMeta(c)) // of one letter, or it is never equal
			}, []string{fmt.Sprintf("^(?s:.{%d})", i), fmt.Sprintf("^(?s:.{%d})$", i)}
		}
	case name == "substring" && len(operands) > 1 && len(operands) < 4:
		return a.substring(p, operands[1:])
	}
	return nil, nil, nil
}

func (a *analysis) substring(p *place, bounds []ast.Expr) (*place, func(string) string, []string) {
	from, ok := index(bounds[0])
	if !ok {
		return nil, nil, nil
	}
	there := []string{fmt.Sprintf("^(?s:.{%d})", from)}
	if len(bounds) == 1 {
		return p, func(c string) string { return there[0] + regexp.QuoteMeta(c) + "$" }, there
	}
	to, ok := index(bounds[1])
	if !ok {
		return nil, nil, nil
	}
	there = append(there, fmt.Sprintf("^(?s:.{%d})", to))
	return p, func(c string) string {
		if utf8.RuneCountInString(c) != to-from {
			return nowhere
		}
		return there[0] + regexp.QuoteMeta(c)
	}, there
}

// nowhere is a pattern that no text matches, and blanks one of what trim takes away.
const (
	nowhere = `[^\x00-\x{10FFFF}]`
	blanks  = `[\t\n\v\f\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]*`
)

// mostIndex is the highest index into a text that is looked into: patterns repeat no more.
const mostIndex = 200

func index(e ast.Expr) (int, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	i, ok := e.AsLiteral().(types.Int)
	return int(i), ok && i >= 0 && i <= mostIndex
}

// firstEnds returns a pattern of what follows a text that is the first part of another, split
// by a separator.
func firstEnds(c, separator string) string {
	switch {
	case strings.Contains(c, separator):
		return nowhere
	case strings.Index(c+separator, separator) < len(c): // the text would end before
		return "$"
	}
	return "(?:" + regexp.QuoteMeta(separator) + "|$)"
}

// split returns the place and the separator of place.split(separator). Only the first part is
// looked into where separators have several letters, which may overlap.
func (a *analysis) split(e ast.Expr, request int) (*place, string, bool) {
	name, operands := called(e)
	if name != "split" || len(operands) != 2 {
		return nil, "", false
	}
	p, ok := a.placeOf(operands[0], request)
	s, isText := a.text(operands[1], request)
	return p, s, ok && isText && s != ""
}

func charClass(letter string) string {
	if strings.Contains(`\]^-[`, letter) {
		return `\` + letter
	}
	return letter
}

// splitWhole is constant in place.split(s), place.split(s).exists(x, x == constant), and
// the size of what is split.
func splitWhole(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if name == "exists" && len(operands) == 3 {
		p, separator, ok := a.split(operands[0], l.request)
		c, isText := a.comparedWith(operands[2], operands[1], l.request)
		return ok && isText && utf8.RuneCountInString(separator) == 1 && a.tellsApart(l, p, []string{partPattern(separator, c)})
	}
	if len(operands) != 2 {
		return false
	}
	if name == operators.In {
		p, separator, ok := a.split(operands[1], l.request)
		c, isText := a.text(operands[0], l.request)
		return ok && isText && utf8.RuneCountInString(separator) == 1 && a.tellsApart(l, p, []string{partPattern(separator, c)})
	}
	if !slices.Contains(orders, name) && name != operators.Equals && name != operators.NotEquals {
		return false
	}
	for i, x := range operands {
		f, of := called(x)
		n, isIndex := index(operands[1-i])
		if f != "size" || len(of) != 1 || !isIndex {
			continue
		}
		if p, separator, ok := a.split(of[0], l.request); ok && utf8.RuneCountInString(separator) == 1 {
			return a.tellsApart(l, p, atLeast(separator, n-2, n-1, n))
		}
	}
	return false
}

// comparedWith returns the text that a variable is compared with by ==.
func (a *analysis) comparedWith(e, variable ast.Expr, request int) (string, bool) {
	name, sides := called(e)
	if name != operators.Equals || variable.Kind() != ast.IdentKind {
		return "", false
	}
	for i, x := range sides {
		if x.Kind() == ast.IdentKind && x.AsIdent() == variable.AsIdent() {
			return a.text(sides[1-i], request)
		}
	}
	return "", false
}

// partPattern returns the pattern of texts of which a constant is a part.
func partPattern(separator, c string) string {
	if strings.Contains(c, separator) {
		return nowhere
	}
	s := regexp.QuoteMeta(separator)
	return "(?:^|" + s + ")" + regexp.QuoteMeta(c) + "(?:" + s + "|$)"
}

// atLeast returns patterns of texts with so many separators at least.
func atLeast(separator string, counts ...int) []string {
	var patterns []string
	for _, n := range counts {
		if n > 0 {
			patterns = append(patterns, fmt.Sprintf("(?s:(?:%s.*){%d})", regexp.QuoteMeta(separator), n))
		}
	}
	return patterns
}

// insideConstant is "constant".startsWith(place), endsWith and contains: the place is equal
// to one of finitely many texts.
func insideConstant(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if len(operands) != 2 || name != "startsWith" && name != "endsWith" && name != "contains" {
		return false
	}
	c, isText := a.text(operands[0], l.request)
	p, isPlace := a.placeOf(operands[1], l.request)
	const longest = 60
	if !isText || !isPlace || len(c) > longest {
		return false
	}
	letters := []rune(c)
	for i := range len(letters) + 1 {
		for j := i; j <= len(letters); j++ {
			if name == "contains" || name == "startsWith" && i == 0 || name == "endsWith" && j == len(letters) {
				p.texts = append(p.texts, string(letters[i:j]))
			}
		}
	}
	l.shallow = true
	return l.covered("string")
}

// position is place.indexOf(constant), or lastIndexOf, compared with a constant: whether there
// is one, and whether it is before, at or after that.
func position(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if len(operands) != 2 || !slices.Contains(orders, name) && name != operators.Equals && name != operators.NotEquals {
		return false
	}
	for i, x := range operands {
		f, of := called(x)
		n, known := literal(operands[1-i])
		at, isNumber := n.(float64)
		if f != "indexOf" && f != "lastIndexOf" || len(of) != 2 || !known || !isNumber || at != math.Trunc(at) || at < -1 || at >= mostIndex {
			continue
		}
		p, isPlace := a.placeOf(of[0], l.request)
		c, isText := a.text(of[1], l.request)
		if !isPlace || !isText || c == "" {
			return false
		}
		patterns := []string{regexp.QuoteMeta(c)}
		for _, n := range []int{int(at), int(at) + 1} { // the first is before n, the last at n or after
			if f == "indexOf" && n > 0 {
				patterns = append(patterns, fmt.Sprintf("^(?s:.{0,%d})%s", n-1, regexp.QuoteMeta(c)))
			}
			if f == "lastIndexOf" && n > 0 {
				patterns = append(patterns, fmt.Sprintf("^(?s:.{%d,})%s", n, regexp.QuoteMeta(c)))
			}
		}
		return a.tellsApart(l, p, patterns)
	}
	return false
}

// hierarchies relates hierarchy(place) to hierarchy(constant).
func hierarchies(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if len(operands) != 2 || !slices.Contains([]string{"ancestorOf", "descendentOf", "immediateChildOf", "immediateParentOf", "siblingOf", "overlaps"}, name) {
		return false
	}
	var p *place
	constant, separator := "", ""
	for _, x := range operands {
		f, of := called(x)
		if f != "hierarchy" || len(of) == 0 || len(of) > 2 {
			return false
		}
		s := "."
		if len(of) == 2 {
			var isText bool
			if s, isText = a.text(of[1], l.request); !isText {
				return false
			}
		}
		if utf8.RuneCountInString(s) != 1 || separator != "" && separator != s {
			return false
		}
		separator = s
		if q, ok := a.placeOf(of[0], l.request); ok && p == nil {
			p = q
		} else if c, isText := a.text(of[0], l.request); isText {
			constant = c
		} else {
			return false
		}
	}
	if p == nil {
		return false
	}
	// Where the place's parts leave those of the constant, and how many follow.
	s, other := regexp.QuoteMeta(separator), "[^"+charClass(separator)+"]*"
	patterns := []string{"^" + other + "$"}
	parts := strings.Split(constant, separator)
	for i := range parts {
		begin := regexp.QuoteMeta(strings.Join(parts[:i+1], separator))
		patterns = append(patterns, "^"+begin+"$", "^"+begin+s, "^"+begin+s+other+"$")
	}
	return len(parts) <= mostIndex/10 && a.tellsApart(l, p, append(patterns, "^$"))
}
