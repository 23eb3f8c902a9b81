package testrunner_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// TestAgain holds that cases are decided again, by engines of which one rule says nothing
// any more, as suites are that run by engines without that rule; in short by some of many rules.
func TestAgain(t *testing.T) {
	for _, name := range []string{"quickstart", "github"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := load(t.Context(), os.DirFS(filepath.Join("..", "fixtures", name)))
			if err != nil {
				t.Fatal(err)
			}
			r, err := testrunner.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			engine := plainEngine(t, r, in.Matrix.Decider())
			if failing, err := r.Again(t.Context(), engine.Decider, engine.Cases); err != nil || len(failing) > 0 {
				t.Fatalf("by the same engine: %d failing, %v", len(failing), err)
			}
			var changes []pdp.Change
			for rule := range in.Matrix.Policies().Rules() {
				changes = append(changes, pdp.Change{Rule: rule.ID})
			}
			if most := 8; testing.Short() && len(changes) > most {
				every := len(changes) / most
				for i := range most {
					changes[i] = changes[i*every]
				}
				changes = changes[:most]
			}
			changed, err := engine.Decider.(pdp.Changeable).Change(t.Context(), changes)
			if err != nil {
				t.Fatal(err)
			}
			compared := 0
			for i, c := range changed {
				if c == nil {
					continue
				}
				compared += sameWithout(t, in, r, &engine, changes[i].Rule, c)
			}
			if compared == 0 {
				t.Error("no rule was missed by any case")
			}
		})
	}
}

// plainEngine returns what decided the suites without options.
func plainEngine(t *testing.T, r *testrunner.Result, d pdp.Decider) testrunner.Engine {
	t.Helper()
	list := r.Engines()
	i := slices.IndexFunc(list, func(e testrunner.Engine) bool { return e.Decider == d })
	if i < 0 {
		t.Fatal("the engine of the matrix decided nothing")
	}
	return list[i]
}

// sameWithout compares the cases that miss a rule, and returns how many do.
func sameWithout(t *testing.T, in *testrunner.Input, r *testrunner.Result, engine *testrunner.Engine, rule string, c *pdp.Changed) int {
	t.Helper()
	var touched []*testrunner.Case
	var actions []string
	for _, x := range engine.Cases {
		for _, request := range x.Requests() {
			if c.Touches(&request) {
				touched = append(touched, x)
				actions = append(actions, request.Action)
				break
			}
		}
	}
	for _, x := range touched {
		for _, request := range x.Requests() {
			actions = append(actions, request.Action)
		}
	}
	by, err := c.For(actions)
	if err != nil {
		t.Fatal(err)
	}
	failing, err := r.Again(t.Context(), by, touched)
	if err != nil {
		t.Fatal(err)
	}
	without, err := engine.Decider.(pdp.Divisible).Without([]string{rule})
	if err != nil {
		t.Fatal(err)
	}
	whole := *in
	whole.Matrix, whole.Reopen = in.Matrix.By(without), nil
	whole.Suites = slices.DeleteFunc(slices.Clone(in.Suites), func(s *testrunner.Suite) bool { return !s.Options.Pos.IsZero() })
	fresh, err := testrunner.Run(t.Context(), &whole)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(failed(fresh), places(failing)); diff != "" {
		t.Errorf("without %s (-suites run, +again):\n%s", rule, diff)
	}
	return len(failing)
}

func failed(r *testrunner.Result) []string {
	var list []*testrunner.Case
	for _, s := range r.Suites {
		for _, c := range s.Cases {
			if c.Outcome == testrunner.Failed && c.Sentence == "" {
				list = append(list, c)
			}
		}
	}
	return places(list)
}

func places(list []*testrunner.Case) []string {
	var at []string
	for _, c := range list {
		at = append(at, c.Pos.String()+" "+c.Principals[0].Key+" "+c.Item.Name)
	}
	slices.Sort(at)
	return at
}
