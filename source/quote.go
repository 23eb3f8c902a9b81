package source

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// plainScalar is what needs no quotes and is no number, boolean or null.
var plainScalar = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*([-./][A-Za-z0-9_]+)*$`)

var reservedScalars = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// Quote returns a text as YAML has it on one line, in quotes where it needs some. Whatever cannot
// be seen is escaped, in a way that Cerbos reads, too, which knows fewer escapes than others.
func Quote(s string) string {
	switch {
	case plainScalar.MatchString(s) && !slices.Contains(reservedScalars, strings.ToLower(s)):
		return s
	case s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r == '\'' || !isItself(r) }):
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case isItself(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isItself reports whether a character can be seen and is itself in quotes.
func isItself(r rune) bool {
	return r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r) && strconv.IsPrint(r)
}

// Flow returns a JSON value, or texts, as YAML has it on one line. Cerbos takes a number with an exponent for a
// text, and one that is too large for an integer unless it has a fraction.
func Flow(v any) string {
	switch v := v.(type) {
	case string:
		return Quote(v)
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if math.Abs(v) >= math.MaxInt64 {
			text += ".0"
		}
		return text
	case map[string]any:
		fields := make([]string, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			fields = append(fields, Quote(key)+": "+Flow(v[key]))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []any:
		return flowList(v, Flow)
	case []string:
		return flowList(v, Quote)
	}
	return JSONText(v)
}

func flowList[T any](list []T, write func(T) string) string {
	items := make([]string, len(list))
	for i, x := range list {
		items[i] = write(x)
	}
	return "[" + strings.Join(items, ", ") + "]"
}
