package principals

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	"github.com/cerbos/cerbos/private/parser"
	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/source"
)

// A jsonMaker writes fixture files in JSON.
type jsonMaker struct {
	*rand.Rand
	odd bool // the file may have what is not plain
}

func (m jsonMaker) one(of ...string) string { return of[m.IntN(len(of))] }

// text writes a string with what means something to YAML.
func (m jsonMaker) text() string {
	var b strings.Builder
	for range m.IntN(5) {
		b.WriteString(m.one("a", "r1", "true", "null", "1e3", "010", "0x1f", " ", "  ", ": ", ":", " #", "#", "- ", "-", "---", "...", "'", "''", ",", "[", "]", "{", "}", "{a: b}",
			"&x", "*x", "!", "!!str ", "|", ">", "%", "@", "`", "?", "? ", "<<", "~", "=", "/", "$", "\"", "\\n", "2026-01-31", ".inf", "é"))
	}
	s := b.String()
	if !m.odd {
		s = strings.NewReplacer(`"`, "", `\n`, "", "é", "e").Replace(s)
	}
	return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
}

func (m jsonMaker) space() string {
	if m.odd && m.IntN(20) == 0 {
		return m.one("\t", "\r\n")
	}
	return m.one("", "", " ", " ", "\n", "\n  ", "  ", "\n\n ", "   \n")
}

func (m jsonMaker) value(depth int) string {
	var parts []string
	switch kind := m.IntN(7); {
	case kind == 0 && depth > 0:
		for range m.IntN(4) {
			parts = append(parts, m.space()+m.value(depth-1)+m.space())
		}
		return "[" + strings.Join(parts, ",") + m.space() + "]"
	case kind == 1 && depth > 0:
		for i := range m.IntN(4) {
			parts = append(parts, fmt.Sprintf("%s%s%s%d%s:%s%s%s", m.space(), `"`, strings.Trim(m.text(), `"\`), i, `"`, m.space(), m.value(depth-1), m.space()))
		}
		return "{" + strings.Join(parts, ",") + m.space() + "}"
	case kind == 2:
		return m.one("null", "true", "false")
	case kind == 3:
		return m.one("0", "1", "-1", "42", "123456789012345", "-99", m.one("7", "1.5", "1e3", "-0", "12345678901234567890", "1.0"))
	}
	return m.text()
}

func (m jsonMaker) file() string {
	var people []string
	for i := range 1 + m.IntN(3) {
		people = append(people, fmt.Sprintf(`%s"p%d"%s:%s{%s"id":%s"p%d",%s"roles":%s[%s],%s"attr":%s{"v":%s%s%s}%s}`,
			m.space(), i, m.one("", " "), m.space(), m.space(), m.space(), i, m.space(), m.space(), m.one(`"r"`, `"r","s"`, `"r", "s" `), m.space(), m.space(), m.space(), m.value(3), m.space(), m.space()))
	}
	groups := m.one("", "", `,"principalGroups":{"g":{"principals":["p0"]}}`)
	return m.space() + `{"principals":` + m.space() + "{" + strings.Join(people, ",") + m.space() + "}" + groups + m.space() + "}" + m.space()
}

// TestDifferentialPlainFixture writes fixture files in JSON. Where Cerbos is not
// asked, it has to read the same.
func TestDifferentialPlainFixture(t *testing.T) {
	m := jsonMaker{Rand: rand.New(rand.NewPCG(5, 6))}
	files, plain := rounds.Of(3_000, 100_000), 0
	for range files {
		m.odd = m.IntN(3) == 0
		text := m.file()
		if !json.Valid([]byte(text)) {
			continue
		}
		docs, err := source.ParseYAML("f", []byte(text))
		if err != nil || !plainJSON([]byte(text), docs[0]) {
			continue
		}
		plain++
		want, err := source.ParseYAML("f", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if errs := readAsCerbos("f", []byte(text), want[0], "principals"); len(errs) > 0 {
			t.Fatalf("%q: %v", text, errs)
		}
		if diff := cmp.Diff(want[0].Value(), docs[0].Value()); diff != "" {
			t.Fatalf("%q (-Cerbos +here):\n%s", text, diff)
		}
		set, err := Parse("f.json", []byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		official, err := parser.Unmarshal[policyv1.TestFixture_Principals]([]byte(text))
		if err != nil || len(official) != 1 {
			t.Fatalf("Cerbos: %q: %d documents, %v", text, len(official), err)
		}
		for key, p := range official[0].GetPrincipals() {
			attr := map[string]any{}
			for name, v := range p.GetAttr() {
				attr[name] = v.AsInterface()
			}
			have := set.Get(key)
			if diff := cmp.Diff(attr, have.Attr) + cmp.Diff(p.GetRoles(), have.Roles) + cmp.Diff(p.GetId(), have.ID); diff != "" {
				t.Fatalf("%q: %s (-Cerbos +here):\n%s", text, key, diff)
			}
		}
	}
	t.Logf("%d of %d files read without asking Cerbos's parser", plain, files)
	if plain < files/3 {
		t.Errorf("only %d of %d files were plain", plain, files)
	}
}
