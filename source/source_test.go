package source_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/source"
)

func ExampleDecode() {
	nodes, err := source.ParseYAML("a.yaml", []byte("name: crm\ntoools: [a]\n"))
	if err != nil {
		panic(err)
	}
	var v struct {
		Name  string   `yaml:"name"`
		Tools []string `yaml:"tools"`
	}
	fmt.Println(source.Decode(nodes[0], &v))
	fmt.Println(v.Name)
	// Output:
	// a.yaml:2:1: unknown key "toools" (did you mean tools?)
	// crm
}

func TestPositions(t *testing.T) {
	const text = "{\n  \"tools\": [\n    {\"name\": \"a\"},\n    {\"name\": \"b\"}\n  ]\n}\n"
	fromJSON, err := source.ParseJSON("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	fromYAML, err := source.ParseYAML("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromJSON, fromYAML[0]); diff != "" {
		t.Errorf("JSON and YAML differ (-json +yaml):\n%s", diff)
	}
	if got := fromJSON.Get("tools").Items[1].Pos.String(); got != "f:4:5" {
		t.Errorf("second tool at %s, want f:4:5", got)
	}
	lines, err := source.ParseLines("f", []byte("{\"a\": 1}\n\n  {\"b\": 2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := lines[1].Get("b").Pos.String(); got != "f:3:9" {
		t.Errorf("b at %s, want f:3:9", got)
	}
}

func TestMistakes(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), c-1)
	}
	tests := map[string]struct {
		parse func(string, []byte) error
		text  string
		want  string
	}{
		"truncated JSON":     {asJSON, `{"a": [1,`, "f:1:10: not valid JSON: "},
		"second value":       {asJSON, "{}\n{}", "f:2:1: not valid JSON: "},
		"comment":            {asJSON, "{\n // x\n \"a\": 1}", "f:3:2: comments and trailing commas"},
		"trailing comma":     {asJSON, "{\"a\": [1,]}", "f:1:7: comments and trailing commas"},
		"invalid UTF-8":      {asJSON, "{\"a\":\n\"\xff\"}", "f:2:2: byte 0xff is not valid UTF-8"},
		"many in JSON":       {asJSON, "[" + strings.Repeat("[],\n", source.MaxValues) + "1]", "f:1048576:1: the file has more than 1048576 values and names of fields"},
		"many names":         {asJSON, "{" + strings.Repeat(`"a":1,`, source.MaxValues/2) + "}", "f:1:3145728: the file has more than 1048576 values"},
		"many in flow YAML":  {asYAML, "[" + strings.Repeat("1,", 2*source.MaxValues) + "1]", "f:1:1: the file has more than 1048576 values"},
		"many in block YAML": {asYAML, strings.Repeat("-\n", source.MaxValues), "f:1048576:2: the file has more than 1048576 values"},
		"deep JSON":          {asJSON, strings.Repeat("[", 10000), "f:1:513: values are nested more than 512 deep"},
		"deep flow YAML":     {asYAML, strings.Repeat("[", 10000), "f:1:1: values are nested more than 512 deep"},
		"deep block YAML":    {asYAML, strings.Repeat("- ", 10000), "f:1:1: values are nested more than 512 deep"},
		"deep indented YAML": {asYAML, indented(2000), ": values are nested more than 512 deep"},
		"alias bomb":         {asYAML, bomb, ": aliases expand to more than"},
		"anchor in itself":   {asYAML, "a: &a [*a]", "f:1:8: anchor \"a\" contains itself"},
		"broken YAML":        {asYAML, "a: [1\nb: 2\n", "f:1:1: not valid YAML: "},
		"tab":                {asYAML, "a:\n\tb: 1\n", "f:2:1: not valid YAML: this line is indented by a tab; YAML takes spaces only"},
		"tab after spaces":   {asYAML, "a:\n  - x\n \t- y\n", "f:3:2: not valid YAML: this line is indented by a tab"},
		"tab in a text":      {asYAML, "a: |\n  x\n  \ty\nb: 1\nc:\n  d: @\n", "not valid YAML: found character that cannot start any token"},
		"list as key":        {asYAML, "? [a]\n: 1\n", "f:1:3: a key must be a word"},
		"too large":          {asJSON, strings.Repeat(" ", source.MaxBytes+1), "f: the file is 32 MiB, more than"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := tt.parse("f", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func asJSON(f string, b []byte) error { _, err := source.ParseJSON(f, b); return err }
func asYAML(f string, b []byte) error { _, err := source.ParseYAML(f, b); return err }

func indented(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s a:\n", strings.Repeat(" ", i))
	}
	return b.String()
}

func TestDecode(t *testing.T) {
	type inner struct {
		Pos  source.Pos
		When time.Time `yaml:"when"`
	}
	type outer struct {
		Name  string           `yaml:"name"`
		Count int              `yaml:"count"`
		On    *bool            `yaml:"on"`
		Map   map[string]inner `yaml:"map"`
		Any   any              `yaml:"any"`
	}
	nodes, err := source.ParseYAML("f", []byte(`
name: x
count: 3
on: true
map: {a: {when: 2027-01-31}}
any: {b: [1, two, null]}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got outer
	if err := source.Decode(nodes[0], &got); err != nil {
		t.Fatal(err)
	}
	on := true
	want := outer{
		Name: "x", Count: 3, On: &on,
		Map: map[string]inner{"a": {Pos: source.Pos{File: "f", Line: 5, Col: 10}, When: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}},
		Any: map[string]any{"b": []any{1.0, "two", nil}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

func TestDecodeReportsAllMistakes(t *testing.T) {
	nodes, err := source.ParseYAML("f", []byte("nme: x\ncount: many\non: 1\nname: [a]\nname: b\n"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Name  string `yaml:"name"`
		Count int    `yaml:"count"`
		On    bool   `yaml:"on"`
	}
	var got []string
	for _, e := range source.Mistakes(source.Decode(nodes[0], &v)) {
		got = append(got, e.Error())
	}
	want := []string{
		`f:1:1: unknown key "nme" (did you mean name?)`,
		`f:2:8: count: want a whole number, have "many"`,
		`f:3:5: on: want true or false, have "1"`,
		`f:4:1: key "name" stands here twice`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestMistakesSorts(t *testing.T) {
	at := func(line int) error { return source.Errorf(source.Pos{File: "f", Line: line}, "m") }
	err := errors.Join(errors.New("plain"), at(3), errors.Join(at(1), at(3)))
	var got []string
	for _, e := range source.Mistakes(err) {
		got = append(got, e.Error())
	}
	if diff := cmp.Diff([]string{"f:1: m", "f:3: m", "plain"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a": [1, "x", null, true]}`, "a: &a [1]\nb: *a\n", "- - x\n", "{,}", "<<: {a: 1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := source.ParseJSON("f", data)
		if err == nil && n.Pos.Line == 0 {
			t.Error("a node without a position")
		}
		if _, err := source.ParseYAML("f", data); err != nil {
			var at *source.Error
			if !errors.As(err, &at) {
				t.Errorf("error without a position: %v", err)
			}
		}
		_, _ = source.ParseLines("f", data)
	})
}

func TestNearestFile(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		of         []string
	}{
		{"dsk.json", "desk.json", []string{"till.json", "desk.json"}},
		{"desk.json", "desk.yaml", []string{"till.json", "desk.yaml", "desk.csv"}},
		{"polices", "policies", []string{"principals", "policies"}},
		{"yard.json", "", []string{"till.json"}}, // alike in the ending only
		{"Desk.JSON", "desk.json", []string{"desk.json"}},
		{"a/desk.json", "a/desks.json", []string{"b.json", "a/desks.json"}},
		{"desk", "", nil},
	} {
		if got := source.NearestFile(tt.name, tt.of); got != tt.want {
			t.Errorf("%s of %v: %q, want %q", tt.name, tt.of, got, tt.want)
		}
	}
}

// TestBudget counts values and comments, whatever stands in them.
func TestBudget(t *testing.T) {
	text := `{"a, [b]": "c, \" [d], {}", /* [1, 2, "x */ "e": [1, -2.5e3, true, null, {}]}` + " // [,\n"
	for spare := range 2 {
		many := strings.Repeat("0,", source.MaxValues-12-spare)
		_, err := source.ParseJSONC("f", []byte("["+many+text+"]"))
		if refused := err != nil; refused != (spare == 0) {
			t.Errorf("%d to spare: %v", spare, err)
		}
	}
	if _, err := source.ParseJSON("f", []byte("["+strings.Repeat("0,", source.MaxValues-2)+"0]")); err != nil {
		t.Errorf("as many as are read: %v", err)
	}
}

func TestRelocate(t *testing.T) {
	files := map[string]string{"p/a.yaml": "x/p/a.yaml", "c.yaml": "../c.yaml", "my file.yaml": "x/my file.yaml"}
	name := func(file string) string {
		if to, ok := files[file]; ok {
			return to
		}
		return file
	}
	for in, want := range map[string]string{
		"p/a.yaml:3:7  rule \"a\"":             "x/p/a.yaml:3:7  rule \"a\"",
		"at c.yaml:3, and p/a.yaml:4:5.":       "at ../c.yaml:3, and x/p/a.yaml:4:5.",
		"the rule \"a\" (p/a.yaml:8:7) allows": "the rule \"a\" (x/p/a.yaml:8:7) allows",
		"2 rules of p/a.yaml":                  "2 rules of x/p/a.yaml",
		"accept it in c.yaml with a waiver":    "accept it in c.yaml with a waiver",
		"my file.yaml:2:1  a":                  "x/my file.yaml:2:1  a",
		"p/b.yaml:3 and tools/call::c.yaml":    "p/b.yaml:3 and tools/call::c.yaml",
		"http://c.yaml:80/p/a.yaml":            "http://c.yaml:80/p/a.yaml",
		"localhost:8080":                       "localhost:8080",
		":3":                                   ":3",
		"":                                     "",
	} {
		if got := source.Relocate(in, name); got != want {
			t.Errorf("Relocate(%q) = %q, want %q", in, got, want)
		}
	}
}
