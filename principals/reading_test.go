package principals_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	"github.com/cerbos/cerbos/private/parser"
	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/principals"
)

// A yamlMaker writes fixture files.
type yamlMaker struct {
	*rand.Rand
	anchors []string
}

func oneOf[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

var (
	// plainScalars are what parsers have different opinions of.
	plainScalars = strings.Fields(`
		1e3 1.5e3 1E3 -1e-3 0x10 0X1F 0xg 0o7 0o8 0b101 0b2 010 -010 08 09.5 00 0 -0 -0.0 +5 +-5 -+5 1_000 _1 1__0 1_ .5 5. -.5 . .. .5. -. 1.2.3 1._5
		.inf -.inf +.inf .Inf .INF .nan .NaN .NAN inf nan NaN Infinity yes no on off Yes NO y n true True TRUE tRUE false False FALSE null Null NULL nULL ~ ~~
		2026-01-01 2026-01-01T00:00:00Z 12:30 12:30:45 1:2 9007199254740993 -9007199254740993 18446744073709551615 18446744073709551616 9223372036854775808
		-9223372036854775808 -9223372036854775809 99999999999999999999999999 1.7976931348623157e308 1e400 1.5e400 4.9e-324 0.1 0.30000000000000004 1.0 100.00
		- -- --- ... = == << <<< ? ?a :a a:b a::b a#b @a %a !a ! &x *y x* a,b 1,000 1;2 1|2 é 日本 \t c:\x "" '' 0x 0o 0b 1e 1e+ e1 0x1.8p3 1.8p3 ١٢ 007 1.e3 1.5E+3 0.5f 12L 0x_1 0_1
	`)
	characters = strings.Split("0 1 7 8 9 + - . _ e E x o b a n f i : # ' \" ~ , ; ! & * | > % @ ? = / \\ y t", " ")
)

func (m *yamlMaker) plain() string {
	if m.IntN(3) > 0 {
		return oneOf(m.Rand, plainScalars...)
	}
	var b strings.Builder
	for range 1 + m.IntN(5) {
		b.WriteString(oneOf(m.Rand, characters...))
	}
	return b.String()
}

func (m *yamlMaker) quoted() string {
	text := m.plain()
	switch m.IntN(4) {
	case 0:
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case 1:
		return oneOf(m.Rand, `"a\tb"`, `"\x41"`, `"\u00e9\n"`, `"\e\0"`, `"\/"`, `"\ "`, `"a \" b"`, `""`, `"\L"`, `"  x "`, `' x '`, `''''`, `"#"`, `": "`)
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// scalar writes a value that stands on one line.
func (m *yamlMaker) scalar() string {
	text := m.plain()
	if m.IntN(4) == 0 {
		text = m.quoted()
	}
	switch m.IntN(9) {
	case 0:
		text = oneOf(m.Rand, "!!str", "!!int", "!!float", "!!bool", "!!null", "!!binary", "!!timestamp", "!custom", "!", "!!set") + " " + text
	case 1:
		name := fmt.Sprintf("s%d", m.IntN(12))
		// Behind an anchor with a tag alone, Cerbos takes what follows for its
		// value, and crashes on an alias in there.
		if !slices.Contains(m.anchors, name) && !strings.HasPrefix(text, "!") {
			m.anchors = append(m.anchors, name)
			text = "&" + name + " " + text
		}
	case 2:
		if len(m.anchors) > 0 {
			text = "*" + oneOf(m.Rand, m.anchors...)
		}
	}
	return text
}

// value writes a value behind a key, indented by more than the key is.
func (m *yamlMaker) value(indent string, depth int) string {
	in := indent + "  "
	switch m.IntN(14) {
	case 0:
		return ""
	case 1:
		return " # " + m.plain()
	case 2:
		return " " + m.scalar() + " # " + m.plain()
	case 3:
		return " " + oneOf(m.Rand, "|", ">", "|-", ">-", "|+", ">+", "|2", "!!str |") + "\n" + in + "  " + m.plain() + "\n" + in + m.plain() + "\n" + oneOf(m.Rand, "", "\n") + in + "x"
	case 4:
		return " " + m.plain() + "\n" + in + m.plain() // a plain text on two lines
	case 5:
		if depth < 2 {
			return " [" + m.scalar() + ", " + m.scalar() + ", {" + m.key() + ": " + m.scalar() + "}" + oneOf(m.Rand, "", ",") + "]"
		}
	case 6:
		if depth < 2 {
			return " {" + m.key() + ": " + m.scalar() + ", z: " + m.scalar() + oneOf(m.Rand, "", ", y: [], w: ", ", v", ", u: {}") + "}"
		}
	case 7:
		if depth < 2 {
			return "\n" + in + m.key() + ":" + m.value(in, depth+1) + "\n" + in + "zz:" + m.value(in, depth+1)
		}
	case 8:
		if depth < 2 {
			return "\n" + in + "- " + m.scalar() + "\n" + in + "-" + m.value(in, depth+1) + "\n" + in + "- zz: " + m.scalar() + "\n" + in + "  yy: " + m.scalar()
		}
	case 9:
		return " \"a\n" + in + m.plain() + " \\\n" + in + "b\""
	}
	return " " + m.scalar()
}

func (m *yamlMaker) key() string {
	switch m.IntN(6) {
	case 0:
		return m.plain()
	case 1:
		return m.quoted()
	case 2:
		return oneOf(m.Rand, "1", "true", "null", "~", "1.5", "? a", "&k1 a", "!!str a", "!!str 1", "2026-01-01", ".inf", "<<", "a b", "yes", "''", "[a]")
	}
	return oneOf(m.Rand, "a", "b", "c", "d")
}

// file writes a fixture file with one principal that has the given value as an
// attribute, which may make it invalid.
func (m *yamlMaker) file() string {
	m.anchors = nil
	var b strings.Builder
	b.WriteString(oneOf(m.Rand, "", "", "", "# a comment\n", "---\n", "\n", "# a comment\n---\n"))
	b.WriteString("principals:\n")
	if m.IntN(4) == 0 {
		b.WriteString("  base: &base\n    id: base\n    roles: [R]\n    attr: &attr {a: 1e3, b: 010}\n")
	}
	based := b.Len() > 80
	if m.IntN(500) == 0 {
		m.crowd(&b, based)
	}
	b.WriteString("  ann:\n")
	if based && m.IntN(2) == 0 {
		b.WriteString("    <<: *base\n")
	}
	id, roles := "ann", "[R]"
	switch m.IntN(8) {
	case 0:
		id = m.scalar()
	case 1:
		roles = "[" + m.scalar() + ", S]"
	case 2:
		b.WriteString(oneOf(m.Rand, "    scope: ", "    policyVersion: ", "    policy_version: ") + m.scalar() + "\n")
	}
	fmt.Fprintf(&b, "    id: %s\n    roles: %s\n    attr:\n", id, roles)
	if based && m.IntN(2) == 0 {
		b.WriteString(oneOf(m.Rand, "      <<: *attr\n", "      <<: [*attr]\n", "      <<: {q: 1e3}\n", "      << : *attr\n", "      '<<': *attr\n"))
	}
	fmt.Fprintf(&b, "      v:%s\n", m.value("      ", 0))
	if m.IntN(3) == 0 {
		fmt.Fprintf(&b, "      %s:%s\n", m.key(), m.value("      ", 0))
	}
	if m.IntN(500) == 0 {
		m.crowd(&b, based)
	}
	if m.IntN(6) == 0 {
		fmt.Fprintf(&b, "principalGroups:\n  %s: {principals: [%s]}\n", oneOf(m.Rand, "g", "1", "'1'", "g g", "~"), oneOf(m.Rand, "ann", "'ann'", "!!str ann", "&k ann"))
	}
	return b.String()
}

// crowd writes more principals than are parsed together.
func (m *yamlMaker) crowd(b *strings.Builder, based bool) {
	first := b.Len()
	for i := range 1000 + m.IntN(1200) {
		attr := oneOf(m.Rand, "{v: 1e3}", "{v: 010, w: null}", "{v: yes}", "{v: !!str 5}")
		if based && m.IntN(2) == 0 {
			attr = "*attr"
		}
		fmt.Fprintf(b, "  c%d-%d: {id: c, roles: [R], attr: %s}\n", first, i, attr)
		if m.IntN(50) == 0 {
			b.WriteString(oneOf(m.Rand, "\n", "# a comment\n", "    # another\n"))
		}
	}
}

// officially reads a fixture file as Cerbos does.
func officially(text string) (pb *policyv1.TestFixture_Principals, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	list, err := parser.Unmarshal[policyv1.TestFixture_Principals]([]byte(text))
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("%d documents", len(list))
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// described is a principal as far as both readers know it.
type described struct {
	ID, Scope, Version string
	Roles              []string
	Attr               map[string]any
}

func describeOfficial(pb *policyv1.TestFixture_Principals) map[string]described {
	all := map[string]described{}
	for key, p := range pb.GetPrincipals() {
		d := described{ID: p.GetId(), Scope: p.GetScope(), Version: p.GetPolicyVersion(), Roles: p.GetRoles(), Attr: map[string]any{}}
		for name, v := range p.GetAttr() {
			d.Attr[name] = v.AsInterface()
		}
		all[key] = d
	}
	return all
}

func describeSet(set *principals.Set) map[string]described {
	all := map[string]described{}
	for _, p := range set.Principals {
		d := described{ID: p.ID, Scope: p.Scope, Version: p.PolicyVersion, Roles: p.Roles, Attr: map[string]any{}}
		for name, v := range p.Attr {
			d.Attr[name] = v
		}
		all[p.Key] = d
	}
	return all
}

// TestDifferentialFixture reads generated fixture files as Cerbos does. What
// Cerbos refuses has to be refused, and what is read has to be the same.
func TestDifferentialFixture(t *testing.T) {
	m := &yamlMaker{Rand: rand.New(rand.NewPCG(3, 55))}
	same, refused, onlyHere, differ := 0, 0, 0, 0
	for range rounds.Of(2_000, 60_000) {
		text := m.file()
		set, err := principals.Parse("p.yaml", []byte(text))
		pb, officialErr := officially(text)
		switch {
		case err != nil && officialErr != nil:
			refused++
		case err != nil:
			onlyHere++
		case officialErr != nil:
			differ++
			t.Errorf("only Cerbos refuses\n%s\n%v", text, officialErr)
		default:
			if diff := cmp.Diff(describeOfficial(pb), describeSet(set)); diff != "" {
				differ++
				t.Errorf("%s\n(-Cerbos +here):\n%s", text, diff)
				continue
			}
			same++
		}
	}
	t.Logf("%d files read alike, %d refused by both, %d refused here alone, %d differ", same, refused, onlyHere, differ)
	if same == 0 || refused == 0 {
		t.Error("nothing read or nothing refused: the test says nothing")
	}
}

// Files that Cerbos's parser would take minutes for are refused, and large ones
// that are plain are read.
func TestLargeFixtures(t *testing.T) {
	const head = "principals:\n  ann:\n    id: ann\n    roles: [R]\n    attr:\n"
	var keys, braces, crowd, groups strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&keys, "      k%d: 1\n", i)
		fmt.Fprintf(&braces, "k%d: 1, ", i)
		fmt.Fprintf(&groups, "  g%d: {principals: [p%d, p%d]}\n", i, 4*i, 4*i+1)
	}
	for i := range 5000 {
		fmt.Fprintf(&crowd, "  p%d:\n    id: p%d\n    roles: [R] # a comment\n    attr: {v: 1e3}\n", i, i)
	}
	tests := map[string]struct{ text, want string }{
		"keys":              {head + keys.String(), "p.yaml:6:7: a mapping of more than 1000 keys; write it in braces, or the file as JSON Lines or CSV"},
		"braces":            {head + "      v: {" + braces.String() + "}\n", ""},
		"empty":             {head + "      v:" + strings.Repeat("\n      -", 250_000), "p.yaml: the file has too many values that are empty; write null for them"},
		"crowd":             {"# all\nprincipals:\n" + crowd.String(), ""},
		"no text":           {"principals:\n" + crowd.String() + "  17: {id: x, roles: [R]}\n", "p.yaml:20002:3: the key 17 is no text to Cerbos, which refuses it; write it in quotes"},
		"crowd with groups": {"principalGroups:\n" + groups.String() + "principals:\n" + crowd.String(), ""},
	}
	for name, tt := range tests {
		set, err := principals.Parse("p.yaml", []byte(tt.text))
		if got := strings.Join(mistakes(err), "\n"); got != tt.want {
			t.Errorf("%s: error %s, want %s", name, got, tt.want)
		}
		if err == nil && strings.Contains(name, "crowd") {
			if p := set.Get("p4999"); p.Attr["v"] != "1e3" || name == "crowd" && p.Pos.Line != 19999 {
				t.Errorf("%s: %v %v", name, p.Pos, p.Attr)
			}
		}
	}
}
