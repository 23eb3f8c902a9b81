package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"

	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/report"
)

// TestLinks makes links of places and rules where the address of the repository is known.
func TestLinks(t *testing.T) {
	f := lint.Finding{
		Pos: pos("p/a b(1).yaml", 3, 7), Evidence: []string{`p/a b(1).yaml:3:7  rule "x"`, `p/c.yaml:9:1  rule "y"`},
		Related: []lint.Related{{Pos: pos("../out.yaml", 1, 1), Text: "elsewhere"}, {Pos: pos("m.json", 0, 0), Text: "all of it"}},
	}
	below := func(file string) string { return "sub/" + file }
	for _, test := range []struct {
		o    report.Options
		want []string
		not  []string
	}{
		{report.Options{LinkBase: "https://h.example/a/b/blob/0123/", Path: below, Version: "v1.2.3"}, []string{
			"[`p/a b(1).yaml:3:7`](https://h.example/a/b/blob/0123/sub/p/a%20b%281%29.yaml#L3) rule \"x\"",
			"[`p/c.yaml:9:1`](https://h.example/a/b/blob/0123/sub/p/c.yaml#L9) rule \"y\"",
			"[`m.json`](https://h.example/a/b/blob/0123/sub/m.json) all of it",
			"[`wildcard-role`](https://github.com/mcpolicy/mcpolicy/blob/v1.2.3/docs/rules/wildcard-role.md)",
			"\n  `../out.yaml:1:1` elsewhere",
		}, nil},
		{report.Options{LinkBase: "https://h.example", Version: "v1.2.4-0.2026"}, []string{"/blob/main/docs/rules/wildcard-role.md)", "(https://h.example/p/c.yaml#L9)"}, nil},
		{report.Options{Path: below}, []string{"(`wildcard-role`)", "`p/c.yaml:9:1` rule"}, []string{"]("}},
	} {
		text := shown(t, "markdown", "a: b\n", f, test.o)
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
		for _, not := range test.not {
			if strings.Contains(text, not) {
				t.Errorf("%s in\n%s", not, text)
			}
		}
	}
}

// TestHostileLinks holds that no name of a file makes another link, or ends one.
func TestHostileLinks(t *testing.T) {
	for _, name := range []string{
		"a](https://evil.example).yaml", "a`](x).yaml", "a b.yaml", "a\"onmouseover=x.yaml", "a<b>.yaml", "a&copy.yaml", "javascript:x", "//evil.example/x",
		"/etc/passwd", "a/../../b.yaml", "a\nb.yaml", "a\u202e.yaml", "a%2e%2e.yaml", "C:\\x.yaml", "@team.yaml", "a#L5.yaml", "a?b=c.yaml",
	} {
		text := shown(t, "markdown", "a: b\n", lint.Finding{Pos: pos(name, 1, 1)}, report.Options{LinkBase: "https://h.example/r"})
		var html bytes.Buffer
		if err := goldmark.Convert([]byte(text), &html); err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(html.String(), -1) {
			if !regexp.MustCompile(`^https://(h\.example/r/[A-Za-z0-9/._%-]+#L1|github\.com/mcpolicy/mcpolicy/blob/main/docs/rules/wildcard-role\.md)$`).MatchString(m[1]) {
				t.Errorf("%q makes a link to %s:\n%s", name, m[1], text)
			}
			if strings.Contains(m[1], "..") {
				t.Errorf("%q leads out:\n%s", name, text)
			}
		}
	}
}
