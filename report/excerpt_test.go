package report_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// shown writes a finding of a file with that text.
func shown(t interface{ Fatal(...any) }, format, text string, f lint.Finding, o report.Options) string {
	f.Rule, f.Severity, f.Message = "wildcard-role", authz.SeverityError, "something"
	d := &report.Document{Linted: true, Findings: []lint.Finding{f}, Source: func(string) []byte { return []byte(text) }}
	var b bytes.Buffer
	if err := report.Write(format, &b, d, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// excerptLines are the two lines of an excerpt in a text.
var excerptLines = regexp.MustCompile(`(?m)^ *[0-9]+ \| (.*)\n +\| (.*)$`)

// TestExcerpt shows what of a line the marks stand under.
func TestExcerpt(t *testing.T) {
	for _, test := range []struct {
		text      string
		line, col int
		item      string
		want      string // the line, and what is marked; "" for no excerpt
	}{
		{"roles: [OPS, DEV] # both", 1, 8, "", "roles: [OPS, DEV] # both|[OPS, DEV]"},
		{"roles: [OPS, DEV]", 1, 14, "", "roles: [OPS, DEV]|DEV"},
		{"roles: [OPS, DEV]", 1, 9, "", "roles: [OPS, DEV]|OPS"},
		{`roles: ["a ] b", c]`, 1, 8, "", `roles: ["a ] b", c]|["a ] b", c]`},
		{`actions: ["x:*", "y"]`, 1, 11, "", `actions: ["x:*", "y"]|"x:*"`},
		{`say: 'it''s: so' # no`, 1, 6, "", `say: 'it''s: so' # no|'it''s: so'`},
		{"expr: R.attr.n < 5 && x == \"a # b\" # c", 1, 7, "", "expr: R.attr.n < 5 && x == \"a # b\" # c|R.attr.n < 5 && x == \"a # b\""},
		{"  desk:", 1, 3, "", "  desk:|desk"},
		{"  desk: {a: b}", 1, 3, "", "  desk: {a: b}|desk"},
		{"  - name: late # at night", 1, 5, "", "  - name: late # at night|name: late"},
		{"  - name:", 1, 5, "", "  - name:|name:"},
		{"  - don't mind", 1, 5, "", "  - don't mind|don't mind"},
		{"url: http://x.example:80/a", 1, 6, "", "url: http://x.example:80/a|http://x.example:80/a"},
		{"expr: |-\n  a == b &&\n  c", 1, 7, "", "  a == b &&|a == b &&"},
		{"{\"tools\": [\n\t{\n\t\t\"title\": \"wipe\",\n\t\t\"name\": \"wipe_all\"\n\t}]}", 2, 2, "wipe_all", "        \"name\": \"wipe_all\"|\"wipe_all\""},
		{"[\n {\n  \"name\": \"a\"\n }]", 2, 2, "other", "  \"name\": \"a\"|\"name\": \"a\""},
		{`{"tools":[{"name":"a"},{"name":"b","n":1}]}`, 1, 24, "b", `{"tools":[{"name":"a"},{"name":"b","n":1}]}|"b"`},
		{`{"n": 5,"m": true}`, 1, 7, "", `{"n": 5,"m": true}|5`},
		{"\"limit\": 500,", 1, 10, "", "\"limit\": 500,|500"},
		{"\ufeffrole: x", 1, 7, "", "role: x|x"},
		{"a: 'open", 1, 4, "", "a: 'open|'open"},
		{"a: b", 1, 0, "", ""},
		{"a: b", 1, 9, "", ""},
		{"a: b", 3, 1, "", ""},
		{"list: [", 1, 7, "", ""},
	} {
		f := lint.Finding{Pos: pos("x.yaml", test.line, test.col)}
		if test.item != "" {
			f.Items = []lint.Item{{Name: test.item}}
		}
		for format, o := range map[string]report.Options{"text": {Width: 120}, "markdown": {}} {
			got := ""
			if m := excerptLines.FindStringSubmatch(shown(t, format, strings.ReplaceAll(test.text, "\n", "\r\n"), f, o)); m != nil {
				got = m[1] + "|" + marked(m[1], m[2])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s of %q at %d:%d (-want +got):\n%s", format, test.text, test.line, test.col, diff)
			}
		}
	}
}

// marked returns what of a line marks stand under.
func marked(line, marks string) string {
	width := &runewidth.Condition{StrictEmojiNeutral: true}
	from := len(marks) - len(strings.TrimLeft(marks, " "))
	to := len(marks)
	column := 0
	var b strings.Builder
	for _, r := range line {
		n := width.RuneWidth(r)
		if column >= from && column < to && (n > 0 || b.Len() > 0) { // a mark is on the character before it
			b.WriteRune(r)
		}
		column += n
	}
	return b.String()
}

// TestExcerptColumns holds, for lines of what is wide, hidden or a command, that the marks
// stand under what is meant, that nothing is wider than the terminal, and that all of it is
// inert.
func TestExcerptColumns(t *testing.T) {
	pieces := []string{"a", " ", "\t", "漢字", "é", "e\u0301", "\u202e", "\u200b", "\x1b[31m", "::error::", "##vso[task.x]", "#", ": ", "[", "]", "{", "\"", "'", "\U000e0041", "🙂", "\xff", "```", "<b>", "long words and more of them"}
	width := &runewidth.Condition{StrictEmojiNeutral: true}
	rapid.Check(t, func(t *rapid.T) {
		part := func(name string) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 30).Draw(t, name), "")
		}
		before := part("before")
		if strings.HasSuffix(strings.TrimRight(before, " \t"), "-") {
			before += "x "
		}
		text := "first\n" + before + `"TOKEN"` + part("behind") + "\nlast"
		f := lint.Finding{Pos: pos("x.json", 2, len(before)+1)}
		o := report.Options{Width: rapid.IntRange(40, 160).Draw(t, "width"), ASCII: rapid.Bool().Draw(t, "ascii")}
		out := shown(t, "text", text, f, o)
		for line := range strings.Lines(out) {
			line = strings.TrimSuffix(line, "\n")
			if source.Inert(line) != line {
				t.Fatalf("%q is not inert", line)
			}
			if n := width.StringWidth(line); n > o.Width {
				t.Fatalf("%q has %d columns of %d", line, n, o.Width)
			}
		}
		m := excerptLines.FindStringSubmatch(out)
		if m == nil || marked(m[1], m[2]) != `"TOKEN"` {
			t.Fatalf("%q at %d columns:\n%s", text, o.Width, out)
		}
		md := shown(t, "markdown", text, f, o)
		if m := excerptLines.FindStringSubmatch(md); m == nil || marked(m[1], m[2]) != `"TOKEN"` {
			t.Fatalf("%q as Markdown:\n%s", text, md)
		}
	})
}

// TestExcerptOfOneLine cuts a line of a megabyte around what is meant.
func TestExcerptOfOneLine(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, `{"name":"tool_%d","description":"one of very many"},`, i)
	}
	text := `{"tools":[` + b.String() + `{}]}`
	at := strings.Index(text, `{"name":"tool_15000"`)
	f := lint.Finding{Pos: pos("x.json", 1, at+1), Items: []lint.Item{{Name: "tool_15000"}}}
	m := excerptLines.FindStringSubmatch(shown(t, "text", text, f, report.Options{}))
	if m == nil || marked(m[1], m[2]) != `"tool_15000"` || !strings.HasPrefix(m[1], "…") || !strings.HasSuffix(m[1], "…") {
		t.Errorf("%q", m)
	}
}
