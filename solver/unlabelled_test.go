package solver_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/solver"
)

// TestUnlabelled answers conditions of which nobody said beforehand what they come to. What
// is possible the engine has confirmed; what is impossible none of many requests comes to,
// made of the condition's own constants and of the requests that show the other outcomes.
func TestUnlabelled(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	names, err := filepath.Glob(filepath.Join("testdata", "unlabelled", "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	of := engine(t)
	s := solver.New(of)
	for _, name := range names {
		answered, requests := 0, 0
		list := readLabelled(t, name)
		for _, c := range list {
			n, made := c.answered(t, s, of)
			answered, requests = answered+n, requests+made
		}
		t.Logf("%s: %d conditions, %d of %d questions answered; %d requests", filepath.Base(name), len(list), answered, len(list)*len(outcomes), requests)
		if answered*100 < len(list)*len(outcomes)*95 {
			t.Errorf("%s: only %d questions are answered", name, answered)
		}
	}
}

// answered asks which outcomes are possible. It returns how many are answered, and how many
// requests were put to the engine.
func (c *labelled) answered(t *testing.T, s *solver.Solver, of solver.Evaluator) (answered, requests int) {
	t.Helper()
	text := filledIn(t, c.Expr, c.Constants, c.Globals)
	w := c.world()
	verdicts := map[solver.Outcome]solver.Verdict{}
	var witnesses []authz.Request
	var open, why []string
	for _, o := range outcomes {
		answer, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(text), To: solver.Only(o)}})
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		verdicts[o] = answer.Verdict
		switch answer.Verdict {
		case solver.Unknown:
			open, why = append(open, o.String()), answer.Open
		case solver.Possible:
			witnesses = append(witnesses, answer.Requests[0])
		case solver.Impossible:
		}
	}
	if !slices.Equal(open, c.Open) {
		t.Errorf("%s: open are %v (%s), listed %v\n%s", c.ID, open, strings.Join(why, "; "), c.Open, c.Expr)
	}
	if len(open) > 0 && c.Reason == "" {
		t.Errorf("%s: no reason is given why %v are open", c.ID, open)
	}
	return len(outcomes) - len(open), c.refute(t, of, w, text, verdicts, witnesses, rounds.Of(150, 100_000))
}

// refute puts n requests to the engine where something is impossible, and reports those that
// come to it. It returns how many it found that the schemas allow.
func (c *labelled) refute(t *testing.T, of solver.Evaluator, w *solver.World, text string, verdicts map[solver.Outcome]solver.Verdict, witnesses []authz.Request, n int) int {
	t.Helper()
	if !slices.ContainsFunc(outcomes, func(o solver.Outcome) bool { return verdicts[o] == solver.Impossible }) {
		return 0
	}
	g := newWriter(t, c, text)
	made := 0
	for made < n {
		var trials []solver.Trial
		for range min(n, 5_000) {
			if r, now, ok := g.request(w, witnesses); ok {
				trials = append(trials, solver.Trial{Request: &r, Now: now})
			}
		}
		if len(trials) == 0 {
			return made
		}
		list, err := of.Evaluate(t.Context(), []string{text}, trials)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range list {
			if verdicts[o] == solver.Impossible {
				t.Errorf("%s: %s is not impossible: %s\n%v: %s", c.ID, o, c.Expr, trials[i].Now, shown(trials[i].Request))
				return made
			}
		}
		made += len(list)
	}
	return made
}
