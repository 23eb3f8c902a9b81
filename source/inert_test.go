package source_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/source"
)

func TestInert(t *testing.T) {
	for in, want := range map[string]string{
		"plain: text":             "plain: text",
		"::error::x":              `\u003a:error::x`,
		"  ::error::x":            `  \u003a:error::x`,
		"a ::error::x":            "a ::error::x",
		"a\n::error::x":           `a\n::error::x`,
		"\u200b::error::x":        `\u200b::error::x`,
		"a ##vso[b]c":             `a \u0023#vso[b]c`,
		"###[x":                   `#\u0023#[x`,
		"## a heading [1]":        "## a heading [1]",
		"\x1b[31m":                `\u001b[31m`,
		"a\u202eb":                `a\u202eb`,
		"\xff":                    `\xff`,
		"##\u200bvso[a] ##vso[b]": `##\u200bvso[a] \u0023#vso[b]`,
	} {
		if got := source.Inert(in); got != want {
			t.Errorf("Inert(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestInertJSON holds that what a JSON text says stays, and that nothing in it
// hides or commands.
func TestInertJSON(t *testing.T) {
	pieces := []string{"\u202e", "\U000e0041", "##vso[", "#", "\\", "\"", "\u0085", "\x1b", "\n", "a", "é", "::", "\u2028"}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, "pieces"), "")
		text, err := json.MarshalIndent(map[string]any{s: []any{s}}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got := source.InertJSON(text)
		var back map[string][]string
		if err := json.Unmarshal(got, &back); err != nil || len(back[s]) != 1 || back[s][0] != s {
			t.Fatalf("%s became %s, %v", text, got, err)
		}
		if !utf8.Valid(got) || strings.Contains(string(got), "##vso[") || strings.ContainsFunc(strings.ReplaceAll(string(got), "\n", ""), source.Hidden) {
			t.Fatalf("%q is not inert", got)
		}
	})
}
