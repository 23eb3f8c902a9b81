package glob

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGlob(t *testing.T) {
	for pattern, tt := range map[string]struct{ matches, others string }{
		"*":            {"a a/b:c é", ""},
		"**":           {"a a/b:c", ""},
		"get_*":        {"get_ get_a/b get_a:b", "get forget_a"},
		"*_hr_*":       {"a_hr_b _hr_", "hr a_hr"},
		"b*b":          {"bb bab bbb", "b"},
		"get_?":        {"get_a get_é", "get_ get_ab"},
		"{a*,b}c":      {"ac axc bc", "b c bxc"},
		"{x,x?a}*":     {"x xy x1a x1ab", "y"},
		"{a,{b,c}d}":   {"a bd cd", "b d abd"},
		"{a}":          {"a", "{a} b"},
		"[abc]x":       {"ax bx", "dx x"},
		"[!a-c]x":      {"dx éx", "ax bx"},
		`[a\]-]x`:      {"ax ]x -x", "bx"},
		"[]":           {"", "error: a [] is empty"},
		"[!]":          {"", "error: a [] is empty"},
		"[a":           {"", "error: a [ is not closed"},
		`[a\`:          {"", "error: a [ is not closed"},
		"[b-a]":        {"", "error: b-a is no range"},
		"{a,b":         {"", "error: a { is not closed"},
		`a\`:           {"", `error: nothing follows the \`},
		"a,b}]":        {"a,b}]", "a b"},
		`\*\[\{\\`:     {`*[{\`, `a[{\`},
		"crm://*/{id}": {"crm://a/b/id", "crm://a/{id} crm://id"},
		"a.b+(c)|^$*":  {"a.b+(c)|^$x", "axb"},
	} {
		re, err := Compile(pattern)
		if want, ok := strings.CutPrefix(tt.others, "error: "); ok {
			if err == nil || !strings.HasSuffix(err.Error(), ": "+want) {
				t.Errorf("%s: error %v, want %s", pattern, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		for _, s := range strings.Fields(tt.matches) {
			if !re.MatchString(s) {
				t.Errorf("%s does not match %s", pattern, s)
			}
		}
		for _, s := range strings.Fields(tt.others) {
			if re.MatchString(s) {
				t.Errorf("%s matches %s", pattern, s)
			}
		}
	}
	if _, err := Compile(strings.Repeat("a", maxPattern) + "*"); err == nil {
		t.Error("a pattern of any length is taken")
	}
}

// TestGlobOfAName holds that a name with its special characters escaped
// matches itself and nothing else.
func TestGlobOfAName(t *testing.T) {
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-c*?\[\]{},!\\:/.é\n-]{1,12}`).Draw(t, "name")
		other := rapid.StringMatching(`[a-c*?\[\]{},!\\:/.é\n-]{1,12}`).Draw(t, "other")
		re, err := Compile(escape.Replace(name))
		if err != nil {
			t.Fatal(err)
		}
		if !re.MatchString(name) || re.MatchString(other) != (other == name) {
			t.Fatalf("%q", name)
		}
		_, _ = Compile(name) // no panic
	})
}
