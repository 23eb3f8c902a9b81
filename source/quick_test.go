package source

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
)

// differ returns where two trees differ first, or "".
func differ(a, b *Node) string {
	switch {
	case a.Kind != b.Kind, a.Pos != b.Pos, a.Text != b.Text, a.Raw != b.Raw:
		return fmt.Sprintf("%v %v %q %q, want %v %v %q %q", a.Pos, a.Kind, a.Text, a.Raw, b.Pos, b.Kind, b.Text, b.Raw)
	case len(a.Items) != len(b.Items), len(a.Fields) != len(b.Fields), len(a.Duplicates) != len(b.Duplicates):
		return fmt.Sprintf("%v: %d items, %d fields, %d duplicates; want %d, %d, %d",
			a.Pos, len(a.Items), len(a.Fields), len(a.Duplicates), len(b.Items), len(b.Fields), len(b.Duplicates))
	}
	for i := range a.Items {
		if d := differ(a.Items[i], b.Items[i]); d != "" {
			return d
		}
	}
	for i := range a.Fields {
		f, g := a.Fields[i], b.Fields[i]
		if f.Name != g.Name || f.Pos != g.Pos {
			return fmt.Sprintf("%v: name %q, want %v: %q", f.Pos, f.Name, g.Pos, g.Name)
		}
		if d := differ(f.Value, g.Value); d != "" {
			return d
		}
	}
	return ""
}

// sameJSON reads a text in both ways, and reports whether the quick one took it.
func sameJSON(t *testing.T, data []byte, values int) bool {
	t.Helper()
	data, err := clean("f", data)
	if err != nil {
		return false
	}
	quick, full := budget(values), budget(values)
	nodes := &slab{}
	readQuickJSON("f", data[:len(data)/2], 1, newBudget(), nodes) // and leaves something behind
	n := readQuickJSON("f", data, 3, &quick, nodes)
	if n == nil {
		if int(quick) != values {
			t.Errorf("%q: given up with %d of %d values left", data, quick, values)
		}
		return false
	}
	want, err := readJSON("f", data, 3, false, &full)
	if err != nil {
		t.Errorf("%q: read, where there is a mistake: %v", data, err)
		return true
	}
	if d := differ(n, want); d != "" {
		t.Errorf("%q: %s", data, d)
	}
	if quick != full {
		t.Errorf("%q: %d values are left, want %d", data, quick, full)
	}
	return true
}

// sameYAML is sameJSON for YAML.
func sameYAML(t *testing.T, data []byte, values int) bool {
	t.Helper()
	data, err := clean("f", data)
	if err != nil || checkYAML("f", data) != nil {
		return false
	}
	quick, full := budget(values), budget(values)
	list := readQuickYAML("f", data, quick)
	if list == nil {
		return false
	}
	want, err := readYAML("f", data, &full)
	if err != nil {
		t.Errorf("%q: read, where there is a mistake: %v", data, err)
		return true
	}
	if len(list) != len(want) {
		t.Errorf("%q: %d documents, want %d", data, len(list), len(want))
		return true
	}
	for i, n := range list {
		if d := differ(n, want[i]); d != "" {
			t.Errorf("%q: %s", data, d)
		}
	}
	return true
}

var quickJSONSeeds = []string{
	`{"a": [1, -0, 2.5e+3, true, false, null, "x", "é\n\u00e9\ud83d\ude00\ud800\/"]}`, "[]", "{}", " [ { } , [ ] ]\r\n", `{"a":1,"a":2}`,
	"[01]", "[1.]", "[.5]", "[1e]", "[-]", "[+1]", "[nul]", "[truex]", `["a` + "\t" + `"]`, `["\x"]`, "[1,]", "// x\n[1]", "[1] [2]", "\ufeff[1]", `{"a" 1}`, `{1:2}`,
	`"x"`, "7", "\x00", `["\u0000"]`, `["\`, `[1"a"]`, `[1[2]]`, "\u2028[1]",
}

var quickYAMLSeeds = []string{
	"a: 1\nb:\n- x\n- y: z\n  w: [1, {a: b}]\n", "---\n# c\na: b # d\n", "- - a\n  - b\n- c:\n    - d\n-\n  e: f\n-\n", "a:\n  b:\n  c: ~\n",
	"a: 'it''s'\nb: \"x\\n\\u00e9\\\\\"\n\"c d\" : e\n", "a: |\n  x\n   y\n\n  z\n\nb: >-\n  p\n  q\n\n  r\n", "a: yes\nb: NO\nc: True\nd: null\n",
	"a: 0x10\nb: 1_000\nc: .inf\nd: -0\ne: 1e3\nf: 007\ng: 2001-01-01\nh: 12345678901234567890\n", "<<: {a: 1}\n", "&a b: *a\n", "a: !!str 1\n",
	"? a\n: b\n", "a: b\n  c\n", "a: b\n c: d\n", "a: [1,\n  2, # x\n  3]\nb: {x: 1,\n y: 2}\n", "{\"a\":1,\"b\":[true,null,\"x\"]}\n", "[a: b]\n", "{a}\n", "{a: , b: }\n",
	"a: b: c\n", "a:b\n", "a:b: c\n", "é: ü\nb: {é: 1, z: 2}\n", "a: 1\r\nb:\r\n  - c\r\n", "a:\tb\n", "a: 1\n...\n", "a: 1\n---\nb: 2\n", "---\na:\n--- # c\n\n- b\n-\n---\n[c]\n", "a: |\n  x\n---\nb: c\n--- d\n", "---\n---\na\n", "%YAML 1.1\n---\na: 1\n",
	"a: 1\na: 2\n", "a: # c\n  b: 1\n # d\nc: 2\n", "- # c\n  a: 1\n# d\n- b\n", "a: #c\nb: x#y\n", "a: 'x'#y\n", "-1: -\n", "- -1\n- -\n", "a: |2\n  x\n", "a: |+\n  x\n\n", "a: |\n  x",
	"a: @x\n", "a: \"\\ud83d\"\n", "a: \"\\ude00\"\n", "- - a\n  b: c\n", "a:\n  - b\n  c: d\n", "a: `x`\n", "a: %x\n", "  a: 1\n  b: 2\n", "  a: 1\n b: 2\n", "a:\n  - b\n c: 1\n", "\ufeffa: 1\n", "a: \u00a0b\n", "a: b\u2028c\n", "~: x\n: y\n", "a: {b: [c, d\n  e]}\n", "[a,\n---\n]\n",
}

func FuzzQuickJSON(f *testing.F) {
	for _, seed := range quickJSONSeeds {
		f.Add([]byte(seed), uint16(100))
	}
	g := &generator{Rand: rand.New(rand.NewPCG(3, 4))}
	for range 20 {
		text, values := g.json()
		f.Add([]byte(text), uint16(values))
	}
	f.Fuzz(func(t *testing.T, data []byte, values uint16) { sameJSON(t, data, int(values)) })
}

func FuzzQuickYAML(f *testing.F) {
	for _, seed := range append(quickYAMLSeeds, quickJSONSeeds...) {
		f.Add([]byte(seed), uint16(100))
	}
	g := &generator{Rand: rand.New(rand.NewPCG(3, 4))}
	for range 50 {
		text, values := g.yaml()
		f.Add([]byte(text), uint16(values))
	}
	f.Fuzz(func(t *testing.T, data []byte, values uint16) { sameYAML(t, data, int(values)) })
}

// TestDifferentialYAML writes files in which nothing is unusual, which all have
// to be read quickly, and spoils them.
func TestDifferentialYAML(t *testing.T) {
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2))}
	files, spoilt, taken := rounds.Of(3_000, 300_000), 0, 0
	for range files {
		text, values := g.yaml()
		if !sameYAML(t, []byte(text), values) {
			t.Fatalf("not read quickly: %q", text)
		}
		few := budget(values - 1)
		if _, err := readYAML("f", []byte(text), &few); err == nil || readQuickYAML("f", []byte(text), budget(values-1)) != nil {
			t.Fatalf("%d values and names are more than %d: %q: %v", values, values-1, text, err)
		}
		for range 4 {
			spoilt++
			if sameYAML(t, []byte(g.spoilt(text)), MaxValues) {
				taken++
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d files read quickly, and %d of %d spoilt ones", files, taken, spoilt)
}

// TestDifferentialJSON does the same with JSON.
func TestDifferentialJSON(t *testing.T) {
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2))}
	files, spoilt, taken := rounds.Of(1_000, 50_000), 0, 0
	for range files {
		text, values := g.json()
		if !sameJSON(t, []byte(text), values) {
			t.Fatalf("not read quickly: %q", text)
		}
		few, fewer := budget(values-1), budget(values-1)
		if _, err := readJSON("f", []byte(text), 1, false, &few); err == nil || readQuickJSON("f", []byte(text), 1, &fewer, &slab{}) != nil {
			t.Fatalf("%d values and names are more than %d: %q: %v", values, values-1, text, err)
		}
		for range 4 {
			spoilt++
			if sameJSON(t, []byte(g.spoilt(text)), MaxValues) {
				taken++
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d files read quickly, and %d of %d spoilt ones", files, taken, spoilt)
}

// TestFixturesAreReadQuickly holds that the files of fixtures and policies are
// read quickly, but for those that have something unusual.
func TestFixturesAreReadQuickly(t *testing.T) {
	unusual := []string{"../fixtures/fastmcp4/mcpolicy.yaml"} // an anchor
	for _, root := range []string{"../fixtures", "../policies"} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			quick := true
			switch filepath.Ext(name) {
			case ".yaml":
				quick = sameYAML(t, data, MaxValues)
			case ".json":
				quick = sameJSON(t, data, MaxValues) && sameYAML(t, data, MaxValues)
			}
			if quick == slices.Contains(unusual, name) {
				t.Errorf("%s is read quickly: %v", name, quick)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
