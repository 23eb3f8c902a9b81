package lint_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

func everyRule(string) bool { return true }

// TestBaselineKnowsWhatItWasMadeOf takes every world of the tests for rules: with a baseline
// of what is found there, read back from its text, nothing counts and nothing is gone; and
// written anew it is the same.
func TestBaselineKnowsWhatItWasMadeOf(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("%d archives", len(files))
	}
	every := max(1, len(files)/rounds.Of(20, len(files)))
	ofEach := []string{"callable-not-listed", "agent-destructive", "separation-of-duties"} // about each principal
	for i, file := range files {
		if i%every > 0 && !slices.Contains(ofEach, filepath.Base(filepath.Dir(file))) {
			continue
		}
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			folder, err := txtar.FS(archive)
			if err != nil {
				t.Fatal(err)
			}
			holdBaseline(t, folder)
		})
	}
}

func holdBaseline(t *testing.T, folder fs.FS) {
	w, err := load(t.Context(), folder)
	if err != nil {
		t.Skip(err) // it is about a mistake in the files
	}
	in, err := w.input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := w.options(t)
	found, err := lint.Run(t.Context(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	made := lint.NewBaseline(found)
	text := made.Text()
	b := parseBaseline(t, text)
	if again := b.Text(); !bytes.Equal(again, text) {
		t.Fatalf("it reads otherwise (-written +read):\n%s", cmp.Diff(string(text), string(again)))
	}
	if err := b.Check(in.Matrix); err != nil {
		t.Error(err)
	}
	valid(t, text)
	o.Known = b.Known()
	known, err := lint.Run(t.Context(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range known {
		if !f.Waived && !f.Known && f.Family != "housekeeping" {
			t.Errorf("not known: %s: %s", f.Rule, f.Message)
		}
	}
	if gone := b.Gone(known, everyRule); len(gone) > 0 {
		t.Errorf("gone: %+v", gone)
	}
	countsWithout(t, in, o, text)
	if again := b.Renewed(known, everyRule).Text(); !bytes.Equal(again, text) {
		t.Errorf("written anew it is another (-before +after):\n%s", cmp.Diff(string(text), string(again)))
	}
}

// countsWithout takes names out of a baseline, one at a time: what is found of each counts then,
// unless the text is refused.
func countsWithout(t *testing.T, in *lint.Input, o lint.Options, text []byte) {
	t.Helper()
	rows := strings.SplitAfter(string(text), "\n")
	var items, principals []int
	ofPrincipals := false
	for i, row := range rows {
		switch {
		case !strings.HasPrefix(row, "          - "):
			ofPrincipals = strings.HasSuffix(row, "principals:\n")
		case ofPrincipals:
			principals = append(principals, i)
		default:
			items = append(items, i)
		}
	}
	most := rounds.Of(2, 10)
	for _, i := range slices.Concat(spread(items, most), spread(principals, most)) {
		less, err := lint.ParseBaseline("baseline.yaml", []byte(strings.Join(slices.Concat(rows[:i], rows[i+1:]), "")))
		if err != nil {
			continue // the list is empty
		}
		docs, err := source.ParseYAML("name.yaml", []byte(rows[i]))
		if err != nil {
			t.Fatal(err)
		}
		name := docs[0].Items[0].Text
		o.Known = less.Known()
		list, err := lint.Run(t.Context(), in, o)
		if err != nil {
			t.Fatal(err)
		}
		counts, explained := false, false
		for _, f := range list {
			counts = counts || !f.Waived && !f.Known && affects(f.Affected, name)
			for _, x := range f.Explains {
				explained = explained || affects(x.Affected, name)
			}
		}
		if !counts && !explained {
			t.Errorf("without %q in line %d nothing counts that affects it:\n%s", name, i+1, text)
		}
	}
}

// spread returns some of a list, the last among them.
func spread(list []int, most int) []int {
	var some []int
	every := max(1, len(list)/most)
	for n := len(list) - 1; n >= 0; n -= every {
		some = append(some, list[n])
	}
	return some
}

func affects(list []lint.Affected, name string) bool {
	return slices.ContainsFunc(list, func(a lint.Affected) bool {
		return slices.Contains(a.Principals, name) || slices.ContainsFunc(a.Items, func(i lint.Item) bool { return i.Name == name })
	})
}

func parseBaseline(t rapid.TB, text []byte) *lint.Baseline {
	b, err := lint.ParseBaseline("baseline.yaml", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return b
}

// valid holds a baseline to its schema.
func valid(t rapid.TB, text []byte) {
	if err := validate(text); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func validate(text []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(lint.BaselineSchema()))
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		return err
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		return err
	}
	docs, err := source.ParseYAML("baseline.yaml", text)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(docs[0].Value())
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// TestBaselineText writes findings with any names and reads them back.
func TestBaselineText(t *testing.T) {
	names := []string{"a", "b", "list *", "true", "1", "~", "é", "a\nb", "- a", "it's", "\"", "{x}", "crm://{id}", "#", "\u202e", "名前", "...", "a\\", " ", "x\ty", "@", "null", "\U0001F527"}
	name := rapid.SampledFrom(names)
	finding := rapid.Custom(func(t *rapid.T) lint.Finding {
		f := lint.Finding{Rule: rapid.SampledFrom([]string{"callable-not-listed", "wildcard-role", "duplicate-name", "agent-destructive", "broad-principal"}).Draw(t, "rule")}
		if rapid.Bool().Draw(t, "has a cause") {
			f.Cause = name.Draw(t, "cause")
		} else {
			f.Message, f.Pos.File, f.Server = name.Draw(t, "message"), name.Draw(t, "file"), name.Draw(t, "server")
			if rapid.Bool().Draw(t, "has a name") {
				f.Name, f.Type = name.Draw(t, "name"), rapid.SampledFrom(authz.ItemTypes()).Draw(t, "type")
				f.Affected = []lint.Affected{{Items: []lint.Item{{Server: f.Server, Type: f.Type, Name: f.Name}}, Principals: rapid.SliceOfN(name, 0, 3).Draw(t, "principals")}}
				return f
			}
		}
		for range rapid.IntRange(0, 3).Draw(t, "affected") {
			var a lint.Affected
			for range rapid.IntRange(0, 3).Draw(t, "items") {
				a.Items = append(a.Items, lint.Item{Server: name.Draw(t, "server"), Type: rapid.SampledFrom(authz.ItemTypes()).Draw(t, "type"), Name: name.Draw(t, "item")})
			}
			a.Principals = rapid.SliceOfN(name, 0, 3).Draw(t, "principals")
			f.Affected = append(f.Affected, a)
		}
		return f
	})
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(finding, 0, 5).Draw(t, "findings")
		made := lint.NewBaseline(list)
		text := made.Text()
		b := parseBaseline(t, text)
		if again := b.Text(); !bytes.Equal(again, text) {
			t.Fatalf("it reads otherwise (-written +read):\n%s", cmp.Diff(string(text), string(again)))
		}
		if gone := b.Gone(list, everyRule); len(gone) > 0 {
			t.Fatalf("gone: %+v\n%s", gone, text)
		}
		if n := rapid.IntRange(0, len(text)-len("...\n")).Draw(t, "cut"); n > 0 {
			if _, err := lint.ParseBaseline("baseline.yaml", text[:n]); err == nil {
				t.Fatalf("cut after %d bytes it is taken", n)
			}
		}
		valid(t, text)
	})
}

// TestBaselineMistakes holds what is refused, all of it and where.
func TestBaselineMistakes(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "b.yaml: the baseline is empty"},
		{"version: 1\nfindings: []\n", "b.yaml:2:1: the baseline is cut short"},
		{"findings: []\n...\n", "b.yaml:1:1: this is no baseline: it does not say its version"},
		{"version: 1\n...\n", "b.yaml:1:1: this is no baseline: it has no findings"},
		{"version: 2\nfindings: []\n...\n", "b.yaml:1:10: another version of the baseline: want version 1, have \"2\""},
		{"- a\n...\n", "b.yaml:1:1: this is no baseline"},
		{"version: 1\nfindings: []\n---\nversion: 1\n...\n", "b.yaml:4:1: a baseline is one YAML document"},
		{"version: 1\n<<<<<<< ours\nfindings: []\n...\n", "b.yaml:2:1: merge conflict"},
		{"version: 1\nfindngs: []\nfindings: []\n...\n", `b.yaml:2:1: unknown key "findngs" (did you mean findings?)`},
		{entry("cause: a"), "b.yaml:3:5: rule is missing"},
		{entry("rule: wildcard-role"), "b.yaml:3:5: want a cause, or the message"},
		{entry("rule: wildcard-role, cause: a, message: b"), "b.yaml:3:5: want a cause, or the message"},
		{entry("rule: wildcard-role, cause: a, tool: b"), "stands under affects"},
		{entry("rule: wildcard-role, message: a, tool: b, prompt: c"), "want one of tool, prompt"},
		{entry("rule: wildcard-role, cause: a, times: 0"), "times: want 1 or more, have 0"},
		{entry("rule: wildcard-role, cause: a, affects: []"), "affects: nothing is in the list"},
		{entry("rule: wildcard-role, cause: a, affects: [{tools: [b]}]"), "b.yaml:3:47: affects: server is missing"},
		{entry("rule: wildcard-role, cause: a, affects: [~]"), "b.yaml:3:5: affects: want the items of a server"},
		{"version: 1\nfindings:\n  - ~\n...\n", "b.yaml:3:5: want a finding, have null"},
		{"version: 1\nfindings: {a: b}\n...\n", "b.yaml:2:11: "},
		{"version: 1\nfindings: [a]\n...\n", "b.yaml:2:12: "},
		{entry("rule: wildcard-role, cause: a, affects: [{server: b}]"), `affects: want tools, prompts, resources or resourceTemplates of server "b"`},
		{entry("rule: wildcard-role, cause: a, affects: [{}]"), "affects: want the items of a server"},
		{entry("rule: wildcard-role, cause: a, affects: [{server: b, tools: [~]}]"), "affects: a name is empty"},
		{entry("rule: wildcard-role, cause: a, affects: [{server: b, tool: [c]}]"), `unknown key "tool" (did you mean tools?)`},
	} {
		_, err := lint.ParseBaseline("b.yaml", []byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: want %q, have %v", test.text, test.want, err)
		}
	}
}

func entry(text string) string { return "version: 1\nfindings:\n  - {" + text + "}\n...\n" }
