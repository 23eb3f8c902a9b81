package solver_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/solver"
)

// small are schemas that allow so few values that all can be tried.
const (
	smallArguments = `{"type": "object", "additionalProperties": false, "properties": {
		"a": {"enum": ["a", "ab"]}, "b": {"enum": ["b", "ab"]}, "n": {"type": "integer", "minimum": 1, "maximum": 3}, "f": {"type": "boolean"}}}`
	smallAttributes = `{"type": "object", "additionalProperties": false, "required": ["n"], "properties": {
		"a": {"enum": ["a", "red", null]}, "n": {"enum": [2, 2.5]}, "f": {"const": true}}}`
)

// all yields every object with one of the values of each property, nil for none.
func all(names []string, values [][]any, yield func(map[string]any)) {
	if len(names) == 0 {
		yield(map[string]any{})
		return
	}
	all(names[1:], values[1:], func(m map[string]any) {
		for _, v := range values[0] {
			of := map[string]any{}
			for name, x := range m {
				of[name] = x
			}
			if v != absent {
				of[names[0]] = v
			}
			yield(of)
		}
	})
}

const absent = "(absent)"

// everyRequest lists all requests that the small schemas allow.
func everyRequest(w *solver.World) []*authz.Request {
	var list []*authz.Request
	all([]string{"a", "b", "n", "f"}, [][]any{{absent, "a", "ab"}, {absent, "b", "ab"}, {absent, 1.0, 2.0, 3.0}, {absent, true, false}}, func(arguments map[string]any) {
		all([]string{"a", "n", "f"}, [][]any{{absent, "a", "red", nil}, {2.0, 2.5}, {absent, true}}, func(attributes map[string]any) {
			r := w.Requests[0]
			r.Unknown, r.AnyPrincipal = nil, false
			r.Principal = &authz.Principal{ID: r.Principal.ID, Roles: r.Principal.Roles, Attr: attributes}
			r.Resource.Attr = map[string]any{"tool_name": "transfer", "arguments": arguments}
			list = append(list, &r)
		})
	})
	return list
}

// TestDifferentialSmall holds what is said of random conditions to all requests there
// are, in both directions.
func TestDifferentialSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	of := engine(t)
	s := solver.New(of)
	w := world(decoded(t, smallArguments), decoded(t, smallAttributes), "staff")
	w.FixedID = true
	every := everyRequest(w)
	r := rand.New(rand.NewPCG(4, 4)) //nolint:gosec // the same each time
	answered, decisions, conditions := 0, 0, rounds.Of(15, 1_500)
	for i := range conditions {
		if i%200 == 199 {
			of = engine(t)
			s = solver.New(of)
		}
		text := conditionOf(r)
		trials := make([]solver.Trial, len(every))
		for i := range every {
			trials[i] = solver.Trial{Request: every[i], Now: noon}
		}
		list, err := of.Evaluate(t.Context(), []string{text}, trials)
		if err != nil {
			t.Fatal(err)
		}
		decisions += len(list)
		var came solver.Outcomes
		for _, o := range list {
			came |= solver.Only(o)
		}
		for _, o := range outcomes {
			answer, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(text), To: solver.Only(o)}})
			if err != nil {
				t.Fatal(err)
			}
			if answer.Verdict != solver.Unknown {
				answered++
			}
			if answer.Verdict == solver.Possible && !came.Has(o) || answer.Verdict == solver.Impossible && came.Has(o) {
				t.Errorf("%s is %s: %s", o, answer.Verdict, text)
			}
		}
	}
	t.Logf("%d decisions, %d of %d questions answered", decisions, answered, 3*conditions)
}

// TestMetamorphic holds answers about conditions to each other.
func TestMetamorphic(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	s := solver.New(engine(t))
	w := world(nil, nil, "staff")
	r := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // the same each time
	ask := func(to solver.Outcomes, format string, texts ...any) solver.Verdict {
		answer, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(fmt.Sprintf(format, texts...)), To: to}})
		if err != nil {
			t.Fatal(err)
		}
		return answer.Verdict
	}
	met, failed := solver.Only(solver.Met), solver.Only(solver.Errored)
	for range rounds.Of(30, 2_000) {
		a, b := conditionOf(r), conditionOf(r)
		isA, isNotA := ask(met, "(%s) && true", a), ask(met, "!(%s)", a)
		if isA == solver.Impossible && isNotA == solver.Impossible && ask(failed, "(%s) && true", a) == solver.Impossible {
			t.Errorf("neither true, false nor an error: %s", a)
		}
		if isA == solver.Impossible && ask(met, "(%s) && (%s)", a, b) == solver.Possible {
			t.Errorf("met with what is not: %s && %s", a, b)
		}
		if isA == solver.Possible && ask(met, "(%s) || (%s)", a, b) == solver.Impossible {
			t.Errorf("not met in spite of an alternative that is: %s || %s", a, b)
		}
		if v := ask(met, "(%s) && !(%s)", a, a); v == solver.Possible {
			t.Errorf("a contradiction is met: %s", a)
		}
		c, err := s.Compare(t.Context(), w, 0, solver.Expr(a), solver.Expr("("+a+") && ("+b+")"))
		if err != nil {
			t.Fatal(err)
		}
		if c.Relation == solver.Narrower || c.Relation == solver.Incomparable {
			t.Errorf("adding a condition makes it %s: %s && %s", c.Relation, a, b)
		}
	}
}
