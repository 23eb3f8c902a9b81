package source

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// A generator writes documents in which nothing is unusual, in as many ways as
// there are to write them.
type generator struct {
	*rand.Rand
	b      strings.Builder
	values int // values and names so far
	broken string
}

func (g *generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *generator) maybe(s string) string {
	if g.IntN(3) == 0 {
		return s
	}
	return ""
}

var (
	generatedWords = []string{
		"a", "crm", "tools/list::get_x", "p-1", "role_7", "a b c", "x:y", "http://h:1/p?q", "a#b", "yes", "No", "on", "trueish", "nul", "it's",
		"R.attr.region == P.attr.region", "é ü", "日本", "😀 x", "a,b", "x [y]", "{z}", "50%", "a*", "x & y", "=", "<", "<=", "/", "$x", "(y)", "_", "a\\b", "a\"b",
	}
	generatedPlain = []string{
		"null", "~", "Null", "true", "False", "TRUE", "0", "7", "-0", "-12", "1234567890123456789012", "1.5", "-2.5e+3", "1e3", "0x1F", "0o17", "017", "1_000",
		".5", ".inf", "-.INF", ".nan", "+1", "2026-01-31", "2026-01-31T10:00:00Z", "1.2.3", "10.0.0.1", "12:30", "3 apples", "-x",
	}
	generatedJSON = []string{
		"null", "true", "false", "0", "-0", "12", "-7", "1.5", "0.25e-3", "1E9", "123456789012345678901234567890", `"\u0041\u00e9\n\t\r\b\f\\\""`, `""`, `"  "`, `"😀"`, `"\u2028"`,
	}
)

// word returns a text as it stands in a flow collection or elsewhere.
func (g *generator) word(flow bool) string {
	w := generatedWords[g.IntN(len(generatedWords))]
	switch style := g.IntN(3); {
	case style == 0:
		return "'" + strings.ReplaceAll(w, "'", "''") + "'"
	case style == 1, flow && strings.ContainsAny(w, ",[]{}?"), strings.IndexAny(w, `{"'`) == 0:
		quoted, err := json.Marshal(w)
		if err != nil {
			panic(err)
		}
		return string(quoted)
	}
	return w
}

func (g *generator) leaf(flow bool) string {
	switch g.IntN(4) {
	case 0:
		return generatedPlain[g.IntN(len(generatedPlain))]
	case 1:
		return generatedJSON[g.IntN(len(generatedJSON))]
	}
	return g.word(flow)
}

// name returns a name that no other one of its mapping is like.
func (g *generator) name(i int, flow bool) string {
	g.values++
	name := fmt.Sprintf("%s%d", g.one("k", "name ", "é", "x.y-", "a/b:", "true"), i)
	switch g.IntN(6) {
	case 0:
		return "'" + name + "'"
	case 1:
		return `"` + name + `"`
	}
	if !flow && g.IntN(8) == 0 {
		return fmt.Sprint(i)
	}
	return name
}

// flow writes a flow collection or a scalar.
func (g *generator) flow(depth int) string {
	g.values++
	space := func() string {
		return g.one("", "", "", " ", "  ", g.broken, " # c, ]"+g.broken, g.broken+"  # {"+g.broken+"   ")
	}
	var parts []string
	switch kind := g.IntN(4); {
	case kind == 0 && depth > 0:
		for range g.IntN(4) {
			parts = append(parts, space()+g.flow(depth-1)+space())
		}
		if len(parts) == 0 {
			return "[" + space() + "]"
		}
		return "[" + strings.Join(parts, ",") + "]"
	case kind == 1 && depth > 0:
		for i := range g.IntN(4) {
			parts = append(parts, space()+g.name(i, true)+g.maybe(" ")+": "+space()+g.flow(depth-1)+space())
		}
		if len(parts) == 0 {
			return "{" + space() + "}"
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return g.leaf(true)
}

func (g *generator) endLine() {
	g.b.WriteString(g.one("", "", "", " ", " # c: d", "  #") + g.broken)
	switch g.IntN(12) {
	case 0:
		g.b.WriteString(g.broken)
	case 1:
		g.b.WriteString(strings.Repeat(" ", g.IntN(5)) + "# c - d" + g.broken)
	}
}

// text writes a text behind an indicator, for a block at an indentation.
func (g *generator) text(indent int) {
	g.values++
	folded := g.IntN(2) == 0
	g.b.WriteString(g.one("|", "|-"))
	if folded {
		s := g.b.String()
		i := strings.LastIndexByte(s, '|')
		g.b.Reset()
		g.b.WriteString(s[:i] + ">" + s[i+1:])
	}
	g.b.WriteString(g.one("", "", " ", " # c") + g.broken)
	margin := strings.Repeat(" ", indent+1+g.IntN(3))
	for i := range 1 + g.IntN(4) {
		if i > 0 && g.IntN(4) == 0 {
			g.b.WriteString(g.one("", margin) + g.broken)
		}
		more := ""
		if i > 0 && !folded {
			more = g.one("", "", " ", "   ")
		}
		g.b.WriteString(margin + more + g.one("x", "a: b", "- c", "# d", "é", "{", "'", "---", "x ") + g.broken)
	}
	g.b.WriteString(g.one("", "", g.broken))
}

// value writes what is behind a colon or a dash in a column, on its line or below.
func (g *generator) value(column, depth int, dash bool) {
	kind := g.IntN(10)
	switch {
	case depth > 0 && kind < 4:
		if dash && g.IntN(2) == 0 { // a compact one
			spaces := 1 + g.IntN(3)
			g.b.WriteString(strings.Repeat(" ", spaces))
			g.block(column+1+spaces, depth, false)
			return
		}
		g.endLine()
		if indentless := !dash && g.IntN(3) == 0; indentless {
			g.sequence(column, depth, true)
			return
		}
		g.block(column+1+g.IntN(4), depth, true)
	case kind == 4:
		g.b.WriteString(" ")
		g.text(column)
	case kind == 5:
		g.values++
		g.endLine() // null
	default:
		g.b.WriteString(g.one(" ", "  ") + g.flow(min(depth, 2)))
		g.endLine()
	}
}

// block writes a mapping or a sequence in a column.
func (g *generator) block(column, depth int, indent bool) {
	if g.IntN(3) == 0 {
		g.sequence(column, depth, indent)
		return
	}
	g.values++
	for i := range 1 + g.IntN(5) {
		if indent || i > 0 {
			g.b.WriteString(strings.Repeat(" ", column))
		}
		g.b.WriteString(g.name(i, false) + g.maybe(" ") + ":")
		g.value(column, depth-1, false)
	}
}

func (g *generator) sequence(column, depth int, indent bool) {
	g.values++
	for i := range 1 + g.IntN(4) {
		if indent || i > 0 {
			g.b.WriteString(strings.Repeat(" ", column))
		}
		g.b.WriteString("-")
		g.value(column, depth-1, true)
	}
}

// yaml returns a file of YAML, and how many values and names it has.
func (g *generator) yaml() (string, int) {
	g.b.Reset()
	g.values, g.broken = 0, g.one("\n", "\n", "\n", "\r\n")
	if g.IntN(4) == 0 {
		g.b.WriteString("# c" + g.broken)
	}
	if g.IntN(4) == 0 {
		g.b.WriteString("---" + g.broken)
	}
	for i := range 1 + g.IntN(2)*g.IntN(3) {
		if i > 0 {
			g.b.WriteString("---" + g.maybe(" # c") + g.broken)
		}
		g.block(g.IntN(2)*g.IntN(3), 4, true)
	}
	text := g.b.String()
	if g.IntN(5) == 0 {
		text = strings.TrimRight(text, " \r\n")
	}
	return text, g.values
}

// json returns a file of JSON, and how many values and names it has.
func (g *generator) json() (string, int) {
	g.values = 0
	return g.space() + g.jsonValue(5) + g.space(), g.values
}

func (g *generator) space() string { return g.one("", "", "", " ", "\n", "\r\n\t", "  \n") }

func (g *generator) jsonValue(depth int) string {
	g.values++
	var parts []string
	switch kind := g.IntN(4); {
	case kind == 0 && depth > 0:
		for range g.IntN(5) {
			parts = append(parts, g.space()+g.jsonValue(depth-1)+g.space())
		}
		return "[" + strings.Join(parts, ",") + g.space() + "]"
	case kind < 3 && depth > 0:
		for i := range g.IntN(20) {
			g.values++
			parts = append(parts, fmt.Sprintf(`%s"%s%d"%s:%s%s%s`, g.space(), g.one("a", "é", `\"`, `\u00e9`), i, g.space(), g.space(), g.jsonValue(depth-2), g.space()))
		}
		return "{" + strings.Join(parts, ",") + g.space() + "}"
	}
	if g.IntN(6) == 0 {
		return g.one(`"\/\ud83d\ude00"`, `"\ud800"`, `"\udc00x"`, `"`+"\u2028"+`"`, `"`+"\x7f"+`"`)
	}
	return generatedJSON[g.IntN(len(generatedJSON))]
}

// spoilt returns a text with some changes that keep much of it as it is.
func (g *generator) spoilt(text string) string {
	for range 1 + g.IntN(3) {
		if text == "" {
			return text
		}
		i := g.IntN(len(text))
		switch g.IntN(5) {
		case 0:
			text = text[:i] + text[i+1:]
		case 1:
			text = text[:i] + g.one(" ", "\n", "-", ":", "#", "\t", "'", "\"", ",", "[", "]", "{", "}", "&a", "*a", "!", "?", "|", ">", "\n---\n", "\n...\n", "%", "\\", "<<", "\r", "~", "0", "x", "\ufeff", "\u0085", "\u2028", "\x00") + text[i:]
		case 2:
			text = text[:i] + text[min(len(text), i+1+g.IntN(6)):]
		default: // on lines
			lines := strings.SplitAfter(text, "\n")
			j, k := g.IntN(len(lines)), g.IntN(len(lines))
			switch g.IntN(4) {
			case 0:
				lines[j] = " " + lines[j]
			case 1:
				lines[j] = strings.TrimPrefix(lines[j], " ")
			case 2:
				lines[j], lines[k] = lines[k], lines[j]
			default:
				lines[j] += lines[k]
			}
			text = strings.Join(lines, "")
		}
	}
	return text
}
