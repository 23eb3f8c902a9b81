package cerbosbin_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
)

// TestOpenCOAZ makes mappings, tokens and calls. What the engine decides with the arguments
// open, and with them known, is what comes of the evaluations that the point sends for the
// call, which [TestDifferentialCOAZ] holds to the official PDP.
func TestOpenCOAZ(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	engine, err := embedded.Open(t.Context(), os.DirFS(filepath.Join(fixture.Dir("coaz"), "policies")), pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := os.ReadFile(filepath.Join(fixture.Dir("coaz"), "depot.json"))
	if err != nil {
		t.Fatal(err)
	}
	tools := parsed(t, inventory).Get("tools").Items
	m := mappingMaker{Rand: rand.New(rand.NewPCG(18, 7))}
	profile, err := pep.New(authz.COAZ, "depot", pep.With{}, "")
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for round := range rounds.Of(120, 30_000) {
		m.sane = m.IntN(6) > 0
		schema := pick(m, tools).Get("inputSchema")
		if m.IntN(3) == 0 {
			schema = parsed(t, asJSON(t, jsonObject{"type": "object", "properties": declaredArguments, coaz.Key: m.mapping()}))
		}
		mapping, _ := coaz.Parse(schema)
		who := &authz.Principal{Key: "who", ID: "nobody", Roles: []string{"staff"}, Attr: m.token()}
		token := jsonObject{"sub": "nobody", "roles": []any{"staff"}}
		for name, v := range who.Attr {
			token[name] = v
		}
		question := profile.Ask(pep.Item{Name: "lend", Inputs: schema}, authz.Call)
		open := make([]authz.Request, len(question.Requests))
		for i, r := range question.Requests {
			r.Principal = who
			open[i] = r
		}
		decisions := pdptest.Decide(t, engine, open)
		for range 4 {
			arguments, _ := m.params()["arguments"].(jsonObject)
			if arguments == nil {
				arguments = jsonObject{}
			}
			want := "unknown"
			outcome := coaz.Point{}.Resolve(mapping, "tools/call", jsonObject{"name": "lend", "arguments": arguments}, token)
			switch outcome.Kind {
			case coaz.Refused:
				want = "refused"
			case coaz.Asked:
				want = "allowed"
				for _, e := range outcome.Evaluations {
					switch got := translatedAnswer(t, engine, e); {
					case got == "unknown", want == "unknown":
						want = "unknown"
					case got == "invalid":
						want = "refused"
					case got == "denied" && want == "allowed":
						want = got
					}
				}
			case coaz.Passed, coaz.Unknown:
			}
			known := make([]authz.Request, len(open))
			for i, r := range open {
				known[i] = pep.Bind(r, arguments)
			}
			got := joinedAnswer(t, engine, known, pdptest.Decide(t, engine, known))
			if got != want && want != "unknown" {
				t.Fatalf("round %d: of a call it is %s, want %s\n%s\n%s\n%s", round, got, want, schema.JSON(), asJSON(t, arguments), asJSON(t, token))
			}
			ofOpen := joinedAnswer(t, engine, known, decisions)
			counts[want+", open "+ofOpen]++
			if (ofOpen == "allowed") != (want == "allowed") && ofOpen != "unknown" && want != "unknown" {
				t.Fatalf("round %d: open it is %s, want %s: %v\n%s\n%s\n%s", round, ofOpen, want, decisions, schema.JSON(), asJSON(t, arguments), asJSON(t, token))
			}
		}
	}
	t.Logf("%v", counts)
	for _, answer := range []string{"allowed, open allowed", "denied, open denied", "refused, open refused", "refused, open denied"} {
		if counts[answer] < rounds.Of(8, 2000) {
			t.Errorf("only %d %s", counts[answer], answer)
		}
	}
}

// joinedAnswer is what comes of all of the decisions on calls: allowed, denied, refused or
// unknown.
func joinedAnswer(t *testing.T, engine *embedded.Engine, calls []authz.Request, decisions []authz.Decision) string {
	t.Helper()
	answer := "allowed"
	for i := range decisions {
		d := &decisions[i]
		effect := d.Effect
		if effect == authz.Conditional {
			held := calls[i]
			held.Unknown = []string{authz.HiddenArguments}
			effects, err := engine.Holds(t.Context(), []pdp.Given{{Condition: d.Condition, Request: held}})
			if err != nil {
				t.Fatal(errors.Join(err, errors.New(d.Condition.String())))
			}
			effect = effects[0]
		}
		switch {
		case d.Refusal != nil:
			return "refused"
		case effect == authz.Deny:
			answer = "denied"
		case effect == authz.Conditional && answer == "allowed":
			answer = "unknown"
		}
	}
	return answer
}
