package fix_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/source"
)

// edits makes edits of a text in which each scalar to be edited stands behind a
// mark: ¹ is to become new, ² to be taken out. Marks are taken away.
func edits(t rapid.TB, marked, old, with string) (string, []fix.Edit) {
	t.Helper()
	var text strings.Builder
	var list []fix.Edit
	line, col := 1, 1
	for _, r := range marked {
		switch r {
		case '¹', '²':
			list = append(list, fix.Edit{Pos: source.Pos{Line: line, Col: col}, Old: old, New: with, Remove: r == '²'})
			continue
		case '\n':
			line, col = line+1, 0
		}
		col += len(string(r))
		text.WriteRune(r)
	}
	return text.String(), list
}

func TestApply(t *testing.T) {
	for _, test := range []struct {
		name, text, with string // old is "old"
		want             string
	}{
		{"plain", "a: [x, ¹old, y] # why\n", "new", "a: [x, new, y] # why\n"},
		{"plain that cannot be", "a:\n  - ¹old\n  - x", "a: b", "a:\n  - \"a: b\"\n  - x"},
		{"plain that is a word", "a: ¹old", "true", "a: \"true\""},
		{"plain that is an alias", "a: ¹old", "*x", "a: \"*x\""},
		{"plain that some take for a word", "a: ¹old", "off", "a: \"off\""},
		{"plain that some take for a number", "a: ¹old", "1_0:20", "a: \"1_0:20\""},
		{"plain that begins with a digit", "a: [¹old]", "2fa_reset", "a: [2fa_reset]"},
		{"plain with quotes in it", "a: ¹old # why", `R.attr.x == "y" && !('z' in V.q)`, "a: R.attr.x == \"y\" && !('z' in V.q) # why"},
		{"plain in a flow", "a: {b: ¹old}", `x.y > 2 || y == "z"`, "a: {b: x.y > 2 || y == \"z\"}"},
		{"plain that ends a flow too early", "a: {b: ¹old}", `x["y"] > 2`, "a: {b: \"x[\\\"y\\\"] > 2\"}"},
		{"plain that a flow would end", "a: [¹old]", `x == [1]`, "a: [\"x == [1]\"]"},
		{"plain that only a block can hold", "a: ¹old", `x == [1, 2]`, "a: x == [1, 2]"},
		{"plain that a comment would cut", "a: ¹old", `x #y`, "a: \"x #y\""},
		{"plain that would be a mapping", "a:\n  ¹old", `x: y`, "a:\n  \"x: y\""},
		{"plain with spaces around", "a: ¹old", ` x `, "a: \" x \""},
		{"plain with colons", "a: [¹old]", "tools/call::x", "a: [tools/call::x]"},
		{"single quotes", "a: ['it''s', ¹'old']\n", "it's", "a: ['it''s', 'it''s']\n"},
		{"double quotes", "a: {b: \"\\\"\", c: ¹\"old\"}\n", `"\`, "a: {b: \"\\\"\", c: \"\\\"\\\\\"}\n"},
		{"escaped in the file", "a: ¹\"\\x6fld\"\n", "new", "a: \"new\"\n"},
		{"JSON", "{\"a\": [\"é\", ¹\"old\"]}", "new", "{\"a\": [\"é\", \"new\"]}"},
		{"after other letters", "é: {ü: ¹old}\n", "new", "é: {ü: new}\n"},
		{"byte order mark", "\ufeffa: x\nb: ¹old\n", "new", "\ufeffa: x\nb: new\n"},
		{"carriage returns", "a: x\r\nb: ¹old\r\n", "new", "a: x\r\nb: new\r\n"},
		{"second document", "a: old\n---\na: ¹old\n", "new", "a: old\n---\na: new\n"},
		{"two on a line", "[¹old, ¹old]", "n", "[n, n]"},
		{"key", "¹old: 1\nb: 2\n", "new", "new: 1\nb: 2\n"},

		{"out of a block", "a:\n  # first\n  - x\n  - ²'old'  # gone\n  # last\n  - y\n", "", "a:\n  # first\n  - x\n  # last\n  - y\n"},
		{"out of the end of a block", "a:\n- x\n- ²old", "", "a:\n- x\n"},
		{"out of a flow", "a: [x, ²old, y]", "", "a: [x, y]"},
		{"out of its start", "a: [ ²old , y ]", "", "a: [ y ]"},
		{"out of its end", "a: [x, ²old]", "", "a: [x]"},
		{"out of its end with a comma", "a: [x, ²old, ]", "", "a: [x, ]"},
		{"out of lines of a flow", "a: [\n  x,\n  ²old,\n  y,\n]", "", "a: [\n  x,\n  y,\n]"},
		{"key out of a block", "a:\n  x: 1\n  ²old: |   # why\n    text\n\n      more\n\n  # y\n  y: 2\n", "", "a:\n  x: 1\n\n  # y\n  y: 2\n"},
		{"key of a list out of a block", "²old:\n- x\n- y: 1\n  z: 2\nb: 3", "", "b: 3"},
		{"key out of the end", "a:\n  x: 1\n  ²old: [\n    1]\nb: 2\n", "", "a:\n  x: 1\nb: 2\n"},
		{"key out of a flow", "a: {x: 1, ²old: 2, y: 3}\n", "", "a: {x: 1, y: 3}\n"},
		{"key out of the end of a flow", "a: {x: 1, ²\"old\": '2'}\n", "", "a: {x: 1}\n"},
		{"with an empty list", "v:\n  import: [²old] # why\n  local: {a: 1}\n", "", "v:\n  local: {a: 1}\n"},
		{"with an empty block", "v:\n  import:\n    - ²old\nb: 1\n", "", "b: 1\n"},
		{"both ways", "a: [x, ²old, ¹old]", "new", "a: [x, new]"},
	} {
		text, list := edits(t, test.text, "old", test.with)
		got, refused := fix.Apply([]byte(text), list)
		if len(refused) > 0 {
			t.Errorf("%s: %+v", test.name, refused)
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct{ text, with, why string }{
		{"a: ¹other\n", "new", `the file does not say "old" there`},
		{"a: x\n¹\n", "new", `the file does not say "old" there`},
		{"a: &b ¹old\n", "new", `the file does not say "old" there`},
		{"a: ¹&b old\n", "new", "it has an anchor, so other places may use it"},
		{"a: &b [¹old]\nc: *b\n", "new", "it has an anchor, so other places may use it"},
		{"a: &b x\nc: ¹*b\n", "new", `the file does not say "old" there`},
		{"a: ¹!!str old\n", "new", "it takes several lines or has a tag"},
		{"a: ¹|-\n  old\n", "new", "it takes several lines or has a tag"},
		{"a: ¹\"ol\\\n  d\"\n", "new", "it takes several lines or has a tag"},
		{"a: ¹old\n", "n\u202eew", "the name has characters that do not show"},
		{"a: [\n", "new", "the file cannot be read: "},
		{"[²old]\n", "", "nothing else is in the list"},
		{"²old\n", "", "nothing else is in the file"},
		{"a: [²old]\n", "", "the change would not read as meant"},
		{"a: ²old\n", "", "it is the value of something, not in a list"},
		{"- ²old: 1\n  b: 2\n", "", "something else stands on its line"},
		{"{v: {²old: 1}, b: 2}\n", "", "it takes several lines or has a tag"},
		{"a:\n  - - ²old\n    - x\n", "", "something else stands on its line"},
		{"a: [x, # why\n  ²old]\n", "", "something else stands before it"},
		{"a: [²old, # why\n  x]\n", "", "something else stands after it"},
		{"a:\n  - ²old\n  - ²old\n", "", "the change would not read as meant"},
		{"[x, ²old, ²old]", "", "another change is too close; run once more"},
		{"a: ¹²old\n", "new", "another finding wants another change there"},
	} {
		text, list := edits(t, test.text, "old", test.with)
		if len(list) == 0 {
			list = []fix.Edit{{Pos: source.Pos{Line: 1, Col: 1}, Old: "old", New: test.with}}
		}
		got, refused := fix.Apply([]byte(text), list)
		if len(refused) == 0 || !strings.HasPrefix(refused[0].Why, test.why) {
			t.Errorf("%q: %+v, want %s", test.text, refused, test.why)
		}
		if len(refused) == len(list) && string(got) != text {
			t.Errorf("%q: refused, and yet %q", test.text, got)
		}
	}
}

// TestProperty edits random lists: the result says what the edits say, and
// nothing else is different.
func TestProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z*:/'"é#-]{1,6}`), 2, 6).Draw(r, "words")
		flow := rapid.Bool().Draw(r, "flow")
		i := rapid.IntRange(0, len(words)-1).Draw(r, "edited")
		remove := rapid.Bool().Draw(r, "remove")
		with := rapid.StringMatching(`[a-z*:/'"é#,\[ -]{1,8}`).Draw(r, "new")

		items := make([]string, len(words))
		for k, w := range words {
			items[k] = style(r, w)
			if k == i {
				items[k] = map[bool]string{false: "¹", true: "²"}[remove] + items[k]
			}
		}
		comma := rapid.SampledFrom([]string{", ", ",", " ,\n   "}).Draw(r, "comma")
		text := func() string {
			if flow {
				return "é: 1 # a comment\nlist: [" + strings.Join(items, comma) + "]   # and why\nlast: 'x'\n"
			}
			return "é: 1 # a comment\nlist:\n  - " + strings.Join(items, "   # and why\n  - ") + "\nlast: 'x'\n"
		}
		before, list := edits(r, text(), words[i], with)
		after, refused := fix.Apply([]byte(before), list)
		if len(refused) > 0 {
			r.Fatalf("%+v in\n%s", refused, before)
		}
		want := slices.Clone(words)
		if want[i] = with; remove {
			want = slices.Delete(want, i, i+1)
		}
		var got struct{ List []string }
		if err := yaml.Unmarshal(after, &got); err != nil || !slices.Equal(got.List, want) {
			r.Fatalf("%q, want %q (%v) in\n%s", got.List, want, err, after)
		}
		word := slices.Contains([]string{"yes", "no", "on", "off"}, strings.ToLower(with)) // quoted, to be safe
		if items[i] = with; !remove && !word && quotesOf(after, i) != quotesOf([]byte(before), i) && says(text(), want) {
			r.Fatalf("other quotes in\n%s\nthan in\n%s", after, before)
		}
		comments := bytes.Count([]byte(before), []byte("# and why"))
		if gone := comments - bytes.Count(after, []byte("# and why")); gone != 0 && (!remove || flow || gone != 1) {
			r.Fatalf("%d comments are gone of\n%s\nin\n%s", gone, before, after)
		}
	})
}

// quotesOf returns the style of a word of the list.
func quotesOf(text []byte, i int) yaml.Style {
	var doc struct{ List []yaml.Node }
	if err := yaml.Unmarshal(text, &doc); err != nil {
		panic(err) // the caller has read it
	}
	return doc.List[i].Style
}

// says reports whether a text marked as for edits has the words in its list.
func says(marked string, words []string) bool {
	var doc struct{ List []string }
	return yaml.Unmarshal([]byte(marked), &doc) == nil && slices.Equal(doc.List, words)
}

// style writes a word in a style that can hold it, in a list of either kind.
func style(r *rapid.T, w string) string {
	for {
		text := rapid.SampledFrom([]string{w, "'" + strings.ReplaceAll(w, "'", "''") + "'", fmt.Sprintf("%q", w)}).Draw(r, "style")
		var flow, block []string
		err := errors.Join(yaml.Unmarshal([]byte("["+text+" ,\n"+text+"]"), &flow), yaml.Unmarshal([]byte("- "+text+"   # and why\n- "+text), &block))
		if want := []string{w, w}; err == nil && slices.Equal(flow, want) && slices.Equal(block, want) {
			return text
		}
	}
}

func FuzzApply(f *testing.F) {
	f.Add([]byte("a: [old, 'x']\n"), 1, 5, "old", "new", false)
	f.Add([]byte("a:\n  - \"old\" # c\n  - x\n"), 2, 5, "old", "", true)
	f.Fuzz(func(t *testing.T, data []byte, line, col int, old, with string, remove bool) {
		e := fix.Edit{Pos: source.Pos{Line: line, Col: col}, Old: old, New: with, Remove: remove}
		after, refused := fix.Apply(data, []fix.Edit{e})
		if len(refused) > 0 && !bytes.Equal(after, data) {
			t.Errorf("refused (%s), and yet %q became %q", refused[0].Why, data, after)
		}
	})
}
