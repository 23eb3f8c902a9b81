package testrunner_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A wanted condition is one that a suite expects of a tool. The tool has is guarded by
// what the policies have, and the tool wants by what the suite expects, so the engine
// tells for any call whether the two differ.
type wanted struct {
	has, wants string // CEL of policies
	when       string // wants, as the suite has it
	same       bool   // one is the other in other words
}

// ownWords are of what a suite cannot speak of.
var ownWords = regexp.MustCompile(`R\.(id|kind|attr\.(tool_name|source|unsent))|now\(\)`)

// sameIn returns a condition that is met whenever text is, and by nothing else.
func sameIn(s *celgen.Source, text string) string {
	return []string{
		text, "(" + text + ") && (" + text + ")", "!(!(" + text + "))", "(" + text + ") || ((" + text + ") && R.attr.arguments.n > 2.5)",
		"(" + text + ") == true", "(" + text + ") ? true : false", "[true].all(x, x == (" + text + "))",
		"(" + text + ") && (R.attr.arguments.n > 1 || (" + text + "))",
	}[s.IntN(8)]
}

var mutable = regexp.MustCompile(`<=?|>=?|==|!=|&&|\|\||"[a-z]+"|\b[0-9]\b|\b[abnm]\b`)

// mutated changes one thing of a condition, so that it mostly asks for something else.
func mutated(s *celgen.Source, text string) string {
	at := mutable.FindAllStringIndex(text, -1)
	if len(at) == 0 || s.IntN(5) == 0 {
		return "(" + text + ")" + []string{` && R.attr.arguments.a != "b"`, ` || R.attr.arguments.n == 1`, ` && P.attr.n > 1`, ` && has(R.attr.arguments.f)`}[s.IntN(4)]
	}
	where := at[s.IntN(len(at))]
	other := map[string]string{
		"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&",
		"a": "b", "b": "a", "n": "m", "m": "n", "0": "1", "1": "2", "2": "3",
	}[text[where[0]:where[1]]]
	if other == "" {
		other = `"ab"`
	}
	return text[:where[0]] + other + text[where[1]:]
}

// whenWorld makes a world for some conditions, with a suite about them.
func whenWorld(t *testing.T, s *celgen.Source) (fstest.MapFS, []wanted) {
	t.Helper()
	texts, err := s.Conditions(t.Context(), 60)
	if err != nil {
		t.Fatal(err)
	}
	var list []wanted
	for _, text := range texts {
		if ownWords.MatchString(text) || !strings.Contains(text, "R.attr.arguments") {
			continue
		}
		w := wanted{has: text, same: s.IntN(3) > 0}
		if w.wants = sameIn(s, text); !w.same {
			w.wants = mutated(s, text)
		}
		if w.when = w.wants; s.IntN(3) > 0 {
			w.when = strings.ReplaceAll(strings.ReplaceAll(w.wants, "R.attr.arguments", "arguments"), "P.attr.", "principal.")
		}
		if strings.Contains(w.when, "arguments") {
			list = append(list, w)
		}
	}
	var tools []map[string]any
	var rules, suite strings.Builder
	for i, w := range list {
		schema := s.Schema()
		for _, of := range [][2]string{{"has", w.has}, {"wants", w.wants}} {
			name, text := of[0], of[1]
			tool := map[string]any{"name": fmt.Sprint(name, i)}
			if schema != "" {
				tool["inputSchema"] = json.RawMessage(schema)
			}
			tools = append(tools, tool)
			fmt.Fprintf(&rules, "    - {actions: [\"tools/call::%s%d\"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: %q}}}\n", name, i, text)
		}
		fmt.Fprintf(&suite, "  - {name: t%d, principals: {}, call: {conditional: [{tool: has%d, when: %q}]}}\n", i, i, w.when)
	}
	inventory, err := json.Marshal(map[string]any{"tools": tools})
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]any{}
	for _, id := range []string{"bob", "red", "ann"} {
		declared[id] = map[string]any{"id": id, "roles": []string{"A"}, "attr": s.Attributes("a b n m f l o")}
	}
	people, err := json.Marshal(map[string]any{"principals": declared})
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"manifest.json":   {Data: inventory},
		"principals.yaml": {Data: people},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + rules.String())},
		"tests/t.yaml":    {Data: []byte("name: generated\ntests:\n" + suite.String())},
	}, list
}

// compiling returns what is left of a world without the conditions that do not compile.
func compiling(t *testing.T, seed uint64) (*testrunner.Input, []wanted) {
	t.Helper()
	for try := range uint64(20) {
		files, list := whenWorld(t, celgen.New(seed*100+try))
		if in, err := load(t.Context(), files); err == nil {
			return in, list
		}
	}
	t.Fatal("no world compiles")
	return nil, nil
}

// TestWhenHolds holds what is said of conditions at random to what the engine decides for
// calls at random: what passes differs for none, and a call that is shown differs.
func TestWhenHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	var passed, shown, unknown, never, decisions int
	for seed := range rounds.Of(1, 120) {
		in, list := compiling(t, 300+uint64(seed)) //nolint:gosec // a small number
		r, err := testrunner.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		s := celgen.New(uint64(seed)) //nolint:gosec // a small number
		cases := r.Suites[0].Cases
		for _, c := range cases {
			var i int
			if _, err := fmt.Sscanf(c.Item.Name, "has%d", &i); err != nil {
				t.Fatal(err)
			}
			w := list[i]
			pair := pairOf(t, in, i)
			told := fmt.Sprintf("%s: %s has %s, and %s is expected", c.Principals[0].Key, c.Item.Name, w.has, w.when)
			switch x := c.Comparison; {
			case x.Relation == solver.Equal:
				if c.Outcome == testrunner.Passed {
					passed++
				} else {
					never++
				}
				calls := callsAtRandom(s, c)
				for k, differs := range pair.differ(t, c.Principals, calls) {
					if decisions += 2; differs != 0 {
						t.Errorf("%s: said to be equal, and not for %v", told, calls[k])
						break
					}
				}
			case x.Allowed != nil || x.Denied != nil:
				shown++
				if w.same {
					t.Errorf("%s: it is the same, and not to %v", told, x)
				}
			case x.Relation == solver.Unrelated:
				unknown++
			default:
				t.Errorf("%s: %v without a call", told, x.Relation)
			}
			for want, call := range map[int]*testrunner.Call{1: c.Comparison.Allowed, -1: c.Comparison.Denied} {
				if call == nil {
					continue
				}
				if c.Outcome != testrunner.Failed {
					t.Errorf("%s: %v, in spite of %v", told, c.Outcome, call.Arguments)
				}
				decisions += 2
				if got := pair.differ(t, c.Principals, []map[string]any{call.Arguments})[0]; got != want {
					t.Errorf("%s: %v is shown, and is %d", told, call.Arguments, got)
				}
				if schema := witness.NewSchema(c.Item.ArgumentsSchema()); schema.Known() && !schema.Allows(call.Arguments) {
					t.Errorf("%s: the inputSchema does not allow %v", told, call.Arguments)
				}
			}
		}
	}
	t.Logf("%d passed, %d equal and never met, %d shown a call, %d unknown; %d decisions", passed, never, shown, unknown, decisions)
	if passed < 10 || shown < 10 || unknown > (passed+never+shown)/3 {
		t.Error("too little was told")
	}
}

// A pair is of the two tools of a wanted condition.
type pair struct {
	in         *testrunner.Input
	has, wants *matrix.Column
}

func pairOf(t *testing.T, in *testrunner.Input, i int) pair {
	t.Helper()
	p := pair{in: in}
	for _, col := range in.Matrix.Columns {
		switch {
		case col.Operation != authz.Call:
		case col.Item.Name == fmt.Sprint("has", i):
			p.has = col
		case col.Item.Name == fmt.Sprint("wants", i):
			p.wants = col
		}
	}
	return p
}

// differ returns 1 for calls that only the policies allow, -1 for those that only the suite
// expects to be, and 0 for others.
func (p pair) differ(t *testing.T, who []*authz.Principal, calls []map[string]any) []int {
	t.Helper()
	var trials []matrix.Trial
	for _, arguments := range calls {
		for _, col := range []*matrix.Column{p.has, p.wants} {
			trials = append(trials, matrix.Trial{Column: col, Arguments: arguments, Principals: who})
		}
	}
	cells, err := p.in.Matrix.Try(t.Context(), p.in.Matrix.Decider(), trials)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]int, len(calls))
	for i := range calls {
		for k := range who {
			has, wants := cells[2*i][k].Access == matrix.Allowed, cells[2*i+1][k].Access == matrix.Allowed
			switch {
			case has && !wants:
				list[i] = 1
			case wants && !has:
				list[i] = -1
			}
		}
	}
	return list
}

// callsAtRandom returns calls that the inputSchema allows.
func callsAtRandom(s *celgen.Source, c *testrunner.Case) []map[string]any {
	schema := witness.NewSchema(c.Item.ArgumentsSchema())
	var list []map[string]any
	for range 150 {
		if arguments := s.Arguments(); !schema.Known() || schema.Allows(arguments) {
			list = append(list, arguments)
		}
	}
	return list
}
