package report_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
)

// village generates a server and who may use it: tools of all risks, people, agents and
// workloads with some roles each, and rules by role, of which some are conditional.
func village(tb testing.TB, seed uint64) *matrix.Matrix {
	tb.Helper()
	r := rand.New(rand.NewPCG(seed, 16)) //nolint:gosec // generated worlds are no secret
	inventory := &manifest.Inventory{}
	var rules strings.Builder
	for i := range 5 + r.IntN(60) {
		item := &manifest.Item{Type: authz.ToolItem, Name: fmt.Sprintf("%s_%d", []string{"get", "make", "erase", "zip"}[r.IntN(4)], i)}
		if r.IntN(4) == 0 {
			item.Hints.Destructive = manifest.True
		}
		inventory.Items = append(inventory.Items, item)
		role := []string{"*", "red", "green", "blue", "grey"}[r.IntN(5)]
		condition := ""
		if r.IntN(4) == 0 {
			condition = ", condition: {match: {expr: R.attr.arguments.n == P.attr.n}}"
		}
		fmt.Fprintf(&rules, "    - {name: r%d, actions: [%s], effect: EFFECT_ALLOW, roles: ['%s']%s}\n", i, item.Name, role, condition)
	}
	var principals []*authz.Principal
	for i := range 1 + r.IntN(70) {
		p := &authz.Principal{ID: fmt.Sprintf("id%d", i), Key: fmt.Sprintf("p%02d", i), Attr: map[string]any{"n": float64(r.IntN(3))}}
		if r.IntN(4) == 0 {
			p.Kind = authz.Kind(1 + r.IntN(2)) //nolint:gosec // a workload or an agent
		}
		for _, role := range []string{"red", "green", "blue"} {
			if r.IntN(3) == 0 {
				p.Roles = append(p.Roles, role)
			}
		}
		principals = append(principals, p)
	}
	return town(tb, inventory, principals, rules.String(), r.IntN(2) == 0)
}

func villages(t *testing.T, f func(*testing.T, *matrix.Matrix)) {
	for seed := range uint64(rounds.Of(12, 100)) { //nolint:gosec // not negative
		t.Run(fmt.Sprint(seed), func(t *testing.T) { f(t, village(t, seed)) })
	}
}

func matrixAs(t *testing.T, format string, m *matrix.Matrix, o report.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(format, &b, &report.Document{Matrix: m}, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wordsOf are the words of a text.
func wordsOf(text string) map[string]bool {
	words := map[string]bool{}
	for _, w := range regexp.MustCompile(`\w+`).FindAllString(text, -1) {
		words[w] = true
	}
	return words
}

// TestAllNames holds that --all names every principal and every tool, in text at any
// width and in Markdown.
func TestAllNames(t *testing.T) {
	villages(t, func(t *testing.T, m *matrix.Matrix) {
		var outputs []string
		for _, width := range []int{50, 80, 160} {
			outputs = append(outputs, matrixAs(t, "text", m, report.Options{All: true, Width: width, ASCII: width == 80}))
		}
		outputs = append(outputs, matrixAs(t, "markdown", m, report.Options{All: true}))
		for _, out := range outputs {
			words := wordsOf(out)
			for p := range m.Principals() {
				if !words[p.Key] {
					t.Fatalf("%s is not named:\n%s", p.Key, out)
				}
			}
			for _, item := range m.Servers[0].Inventory.Items {
				if !words[item.Name] {
					t.Fatalf("%s is not named:\n%s", item.Name, out)
				}
			}
		}
	})
}

// TestDestructiveFirst holds that destructive rows come first, and that no destructive
// tool stands under the name of one that is not.
func TestDestructiveFirst(t *testing.T) {
	villages(t, func(t *testing.T, m *matrix.Matrix) {
		destructive := map[string]bool{}
		for _, item := range m.Servers[0].Inventory.Items {
			destructive[item.Name] = item.Destructive() != manifest.None
		}
		row := regexp.MustCompile(`(?m)^([! ]) (\w+_\d+)(?: \+\d+)?( {2,}|$)`)
		name := regexp.MustCompile(`\w+_\d+`)
		for _, o := range []report.Options{{Width: 80}, {Width: 160, All: true}} {
			out := matrixAs(t, "text", m, o)
			table, listed, _ := strings.Cut(out, "+n: that many more")
			for section := range strings.SplitSeq(table, "\ntools ") {
				mild := false
				for _, found := range row.FindAllStringSubmatch(section, -1) {
					marked := found[1] == "!"
					if marked != destructive[found[2]] || marked && mild {
						t.Fatalf("%s stands in the wrong place:\n%s", found[2], out)
					}
					mild = mild || !marked
				}
			}
			for bundle := range strings.SplitSeq(strings.ReplaceAll(listed, "\n  ", " "), "\n") {
				if names := name.FindAllString(bundle, -1); strings.Contains(bundle, " +") {
					for _, n := range names {
						if destructive[n] != destructive[names[0]] {
							t.Errorf("%s goes by the name of %s:\n%s", n, names[0], out)
						}
					}
				}
			}
		}
		for line := range strings.Lines(matrixAs(t, "markdown", m, report.Options{})) {
			first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
			for _, n := range name.FindAllString(first, -1) {
				if strings.HasPrefix(line, "| ") && strings.HasPrefix(first, "❗") != destructive[n] {
					t.Errorf("%s is not marked as it should be: %s", n, line)
				}
			}
		}
	})
}

// TestColumnsTold holds that the first line says how many columns there are where they
// are not the classes, and that kinds do not share one.
func TestColumnsTold(t *testing.T) {
	said := regexp.MustCompile(`(\d+) principals? in (\d+) class(?:es)?(?:; (\d+) columns?: )?`)
	villages(t, func(t *testing.T, m *matrix.Matrix) {
		out := matrixAs(t, "text", m, report.Options{All: true, Width: 160})
		found := said.FindStringSubmatch(strings.ReplaceAll(out, "\n     ", " "))
		if found == nil {
			if len(m.Classes) == 1 {
				return
			}
			t.Fatalf("nothing is said of classes:\n%s", out)
		}
		columns := found[2]
		if found[3] != "" {
			columns = found[3]
		}
		width := 0
		for line := range strings.Lines(out) {
			if rest, ok := strings.CutPrefix(line, "tools "); ok {
				width += strings.Count(rest, "list")
			}
		}
		if fmt.Sprint(width) != columns {
			t.Errorf("%d columns, said to be %s:\n%s", width, columns, out)
		}
		first, _, _ := strings.Cut(out, "\ntools ")
		kinds := map[authz.Kind]bool{}
		for p := range m.Principals() {
			kinds[p.Kind] = true
		}
		if !strings.Contains(first, "everyone") && (kinds[authz.Agent] || kinds[authz.Workload]) {
			for kind, name := range map[authz.Kind]string{authz.Human: "people", authz.Workload: "workloads", authz.Agent: "agents"} {
				if kinds[kind] != strings.Contains(out, " "+name) {
					t.Errorf("columns of %s: want %t:\n%s", name, kinds[kind], out)
				}
			}
		}
	})
}

// TestHeads shows how names and roles pair up, in columns of few and of many.
func TestHeads(t *testing.T) {
	rules := `    - {name: look, actions: [look], effect: EFFECT_ALLOW, roles: [clerk, boss, guest]}
    - {name: drop, actions: [drop], effect: EFFECT_ALLOW, roles: [boss, bot]}
`
	inventory := &manifest.Inventory{Items: []*manifest.Item{
		{Type: authz.ToolItem, Name: "look", Hints: manifest.Hints{ReadOnly: manifest.True}},
		{Type: authz.ToolItem, Name: "drop", Hints: manifest.Hints{Destructive: manifest.True}},
	}}
	var people []*authz.Principal
	add := func(kind authz.Kind, role string, keys ...string) {
		for _, k := range keys {
			people = append(people, &authz.Principal{Key: k, ID: k, Kind: kind, Roles: []string{role}})
		}
	}
	add(authz.Human, "clerk", "ada", "bea", "cyd", "dov", "eli", "fay")
	add(authz.Human, "guest", "gil", "hal")
	add(authz.Human, "boss", "ivy")
	add(authz.Agent, "bot", "robo")
	add(authz.Agent, "guest", "scout")
	out := matrixAs(t, "text", town(t, inventory, people, rules, false), report.Options{})
	want := `big  gateway, 2 tools, 11 principals in 4 classes; 4 columns: classes with equal
     access share one, agents and people apart

             agents                  people
             robo        scout       #3 ×8       ivy
             bot         guest       clerk ×6    boss
                                     guest ×2
tools        list call   list call   list call   list call
! drop        ●    ●      ·    ·      ·    ·      ●    ●
  look        ·    ·      ●    ●      ●    ●      ●    ●

#n: the nth column, counted over all blocks, and who is in it
#3 ×8  clerk: ada, bea, cyd, dov, eli, fay; guest: gil, hal

● allowed  · denied  ! destructive
`
	if out != want {
		t.Errorf("have\n%s\nwant\n%s", out, want)
	}
}

// TestWhoCanNames holds that who-can names everybody, or says once how to have all
// named and how many are not.
func TestWhoCanNames(t *testing.T) {
	for _, people := range []int{30, 180} {
		var keys []string
		var list []*authz.Principal
		for i := range people {
			keys = append(keys, fmt.Sprintf("person%03d", i))
			list = append(list, &authz.Principal{Key: keys[i], Kind: authz.Kind(i % 3)}) //nolint:gosec // a kind
		}
		col := &matrix.Column{Server: &matrix.Server{Name: "big"}, Item: &manifest.Item{Name: "drop", Hints: manifest.Hints{Destructive: manifest.True}}, Operation: authz.Call}
		answer := explain.Answer{Column: col, Denied: 2, Declared: []explain.Holders{{Principals: list, Access: matrix.Allowed}}, ByRole: []explain.RoleHolder{
			{Role: "a", Access: matrix.Allowed, Held: true}, {Role: "b", Access: matrix.Allowed, Held: true},
		}}
		for _, f := range report.WhoCanFormats() {
			for _, all := range []bool{true, false} {
				var b bytes.Buffer
				if err := f.Write(&b, []explain.Answer{answer, answer}, report.Options{All: all}); err != nil {
					t.Fatal(err)
				}
				out := b.String()
				words := wordsOf(out)
				missing := len(slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return words[k] }))
				cut := !all && people > 100 && f.Name != "json"
				if told := strings.Contains(out, fmt.Sprintf("and %d more", missing)); (missing > 0) != cut || told != cut {
					t.Errorf("%s of %d, all: %t: %d are not named:\n%s", f.Name, people, all, missing, out)
				}
				if n := strings.Count(out, "--all"); n > 1 || (n == 1) != cut {
					t.Errorf("%s of %d, all: %t: says %d times how to have all named", f.Name, people, all, n)
				}
				if f.Name == "text" && people == 30 && (!strings.Contains(out, "person001 (workload),") || !strings.Contains(out, "by role    a, b")) {
					t.Errorf("kinds and roles:\n%s", out)
				}
			}
		}
		var b bytes.Buffer
		if err := report.WhoCanText(&b, []explain.Answer{answer}, report.Options{Summary: true}); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("big  how many declared principals may call, and which roles\n        always  if  never  roles\n! drop  %6d   0      2  a, b\n\nif: on a condition\n", people)
		if b.String() != want {
			t.Errorf("have\n%s\nwant\n%s", b.String(), want)
		}
	}
}
