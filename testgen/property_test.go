package testgen_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testgen"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// generate makes suites of a world, nil if no rule decides anything.
func generate(t *testing.T, w *workspace.Workspace, story string, change func(*testgen.Input)) *testgen.Suites {
	t.Helper()
	in, err := w.Generation(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, story)
	}
	change(in)
	made, err := testgen.Generate(t.Context(), in)
	if errors.Is(err, testgen.ErrNothing) && in.RulesOnly {
		return nil
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, story)
	}
	return made
}

// failing returns how many cases of some suites fail by the engine of a workspace.
func failing(t *testing.T, w *workspace.Workspace, suites []byte, story string) int {
	t.Helper()
	m, err := w.Outline()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := testrunner.Parse("generated.yaml", suites)
	if err != nil {
		t.Fatalf("%v\n%s", err, suites)
	}
	result, err := testrunner.Run(t.Context(), &testrunner.Input{Suites: parsed, Matrix: m, Groups: w.Principals.Groups})
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, story, suites)
	}
	n := result.Counts()
	return n.Failed + n.Errored
}

// TestNoSlipGoesUnnoticed holds to engines that are opened for each, over random policies:
// suites that are generated pass, and fail on every condition with a slip in it that any call
// of a small domain tells from the policies.
func TestNoSlipGoesUnnoticed(t *testing.T) {
	t.Parallel()
	var killed, survived, unknown, byRules, worlds int
	for seed := range rounds.Of(2, 100) {
		w := newWorld(uint64(seed))
		story := w.String()
		base := w.open(t)
		mutants := w.mutants()
		engines := map[string]*workspace.Workspace{}
		var slips []slip
		for _, what := range sortedKeys(mutants) {
			engines[what] = mutants[what].open(t)
			slips = append(slips, slip{what, engines[what]})
		}
		made := generate(t, base, story, func(in *testgen.Input) { in.Unnoticed = unnoticed(t, in.Matrix, slips) })
		rules := generate(t, base, story, func(in *testgen.Input) { in.RulesOnly = true })
		if failing(t, base, made.Text, story) > 0 || rules != nil && failing(t, base, rules.Text, story) > 0 {
			t.Fatalf("seed %d: what was generated does not pass\n%s\n%s", seed, story, made.Text)
		}
		worlds++
		for _, what := range sortedKeys(mutants) {
			if rules != nil && failing(t, engines[what], rules.Text, story) > 0 {
				byRules++
			}
			if failing(t, engines[what], made.Text, story) > 0 {
				killed++
				continue
			}
			survived++
			if call := telling(t, base, engines[what]); call != "" {
				t.Fatalf("seed %d: %s goes unnoticed, and %s shows it\n%s\n%s", seed, what, call, story, made.Text)
			}
		}
		unknown += len(made.Unnoticed)
	}
	t.Logf("%d worlds, %d mutants noticed, %d told apart by no call, of which %d unknown; suites of one case a rule notice %d", worlds, killed, survived, unknown, byRules)
	if killed == 0 || byRules >= killed || unknown > survived/4 {
		t.Error("too little is noticed")
	}
}

// domain has values of each argument; nil for none.
var domain = map[string][]any{
	"hours": {nil, 1.0, 2.0, 3.0, 5.0, "x"}, "bay": {nil, "east", "west", "eastern", "other", 1.0},
	"crew": {nil, []any{"ann"}, []any{"ann", "bob"}}, "urgent": {nil, true},
}

// calls returns the arguments of the domain.
func calls() []map[string]any {
	list := []map[string]any{{}}
	for _, name := range []string{"hours", "bay", "crew", "urgent"} {
		var next []map[string]any
		for _, c := range list {
			for _, v := range domain[name] {
				with := map[string]any{}
				for k, x := range c {
					with[k] = x
				}
				if v != nil {
					with[name] = v
				}
				next = append(next, with)
			}
		}
		list = next
	}
	return list
}

// telling returns a call of the domain that two engines decide differently, or "".
func telling(t *testing.T, a, b *workspace.Workspace) string {
	t.Helper()
	m, err := a.Outline()
	if err != nil {
		t.Fatal(err)
	}
	var who []*authz.Principal
	for p := range m.Principals() {
		who = append(who, p)
	}
	for _, col := range m.Columns {
		list := calls()
		if !col.TakesArguments() {
			list = list[:1]
		}
		trials := make([]matrix.Trial, len(list))
		for i, c := range list {
			trials[i] = matrix.Trial{Column: col, Arguments: c, Principals: who}
		}
		one, err := m.Try(t.Context(), a.Engine, trials)
		if err != nil {
			t.Fatal(err)
		}
		other, err := m.Try(t.Context(), b.Engine, trials)
		if err != nil {
			t.Fatal(err)
		}
		for i := range one {
			for k, p := range who {
				if one[i][k].Access != other[i][k].Access {
					return p.Key + " " + col.Operation.String() + " " + col.Item.Name + " " + fmt.Sprint(list[i])
				}
			}
		}
	}
	return ""
}
