package solver_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/solver"
)

// TestDifferentialOfficial has the official PDP decide by random conditions: for the
// requests that show what they come to, and for random ones.
func TestDifferentialOfficial(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	s := solver.New(engine(t))
	n, each := rounds.Of(20, 500), rounds.Of(20, 80)
	var rules strings.Builder
	texts := make([]string, n)
	for i := range n {
		r := rand.New(rand.NewPCG(12, uint64(i))) //nolint:gosec // the same each time
		for texts[i] == "" || strings.Contains(texts[i], "now()") || strings.Contains(texts[i], "timeSince") {
			texts[i] = conditionOf(r) // what does not hang on what time it is
		}
		for _, rule := range [][2]string{{"is", texts[i]}, {"not", "!(" + texts[i] + ")"}} {
			fmt.Fprintf(&rules, "    - {actions: [%q], effect: EFFECT_ALLOW, roles: [staff], condition: {match: {expr: %q}}}\n", fmt.Sprint(rule[0], i), rule[1])
		}
	}
	official := pdptest.Dial(t, cerbosbin.Serve(t, pdptest.Folder(t, pdptest.Rules(rules.String())), nil), remote.Options{})
	type expected struct {
		text    string
		to      solver.Outcome
		of      solver.Verdict
		witness bool
	}
	var requests []authz.Request
	var want []expected
	for i, text := range texts {
		g := celgen.New(uint64(i))
		r := rand.New(rand.NewPCG(13, uint64(i))) //nolint:gosec // the same each time
		w := world(decoded(t, g.Schema()), nil, "staff")
		answers := map[solver.Outcome]solver.Answer{}
		for _, o := range outcomes {
			answer, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(text), To: solver.Only(o)}})
			if err != nil {
				t.Fatal(err)
			}
			answers[o] = answer
			if answer.Verdict == solver.Possible {
				request := answer.Requests[0]
				request.Action = fmt.Sprint("is", i)
				requests, want = append(requests, request), append(want, expected{text, o, solver.Possible, true})
			}
		}
		allows := solver.Allows(w.Arguments[0])
		for range each {
			request, ok := someRequest(r, g, w, constantsIn.FindAllString(text, -1), allows, solver.Allows(nil))
			if !ok {
				continue
			}
			request.Principal.AuxData = nil
			for name, o := range map[string]solver.Outcome{"is": solver.Met, "not": solver.Unmet} {
				request.Action = fmt.Sprint(name, i)
				requests, want = append(requests, request), append(want, expected{text, o, answers[o].Verdict, false})
			}
		}
	}
	for i, d := range pdptest.Decide(t, official, requests) {
		allowed := d.Effect == authz.Allow
		switch x := want[i]; {
		case x.witness && allowed != (x.to == solver.Met):
			t.Errorf("the witness of %s: %s", x.to, x.text)
		case allowed && x.of == solver.Impossible:
			t.Errorf("%s is not impossible: %s\n%s", x.to, x.text, shown(&requests[i]))
		}
	}
	t.Logf("%d decisions of the official PDP", len(requests))
}
