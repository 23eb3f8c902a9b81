package cerbosbin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestDifferentialCOAZ makes mappings, tokens and calls, and has the official PDP's
// AuthZEN endpoint answer each evaluation that comes of them. What the embedded engine
// decides of its translation is the same, and what is called invalid is refused there,
// also for each call of a tool whose mapping has a mistake of that kind.
func TestDifferentialCOAZ(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	policies := filepath.Join(fixture.Dir("coaz"), "policies")
	server := cerbosbin.Start(t, policies, nil)
	engine, err := embedded.Open(t.Context(), os.DirFS(policies), pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := os.ReadFile(filepath.Join(fixture.Dir("coaz"), "depot.json"))
	if err != nil {
		t.Fatal(err)
	}
	tools := parsed(t, inventory).Get("tools").Items
	m := mappingMaker{Rand: rand.New(rand.NewPCG(18, 3))}
	outcomes, answers := map[coaz.OutcomeKind]int{}, map[string]int{}
	for round := range rounds.Of(1500, 60_000) {
		schema := pick(m, tools).Get("inputSchema")
		if m.IntN(3) > 0 {
			schema = parsed(t, asJSON(t, jsonObject{"type": "object", "properties": declaredArguments, coaz.Key: m.mapping()}))
		}
		mapping, mistakes := coaz.Parse(schema)
		method := "tools/call"
		if m.IntN(6) == 0 {
			mapping, method = nil, pick(m, coaz.Methods())
		}
		params, token := m.params(), m.token()
		outcome := coaz.Point{}.Resolve(mapping, method, params, token)
		outcomes[outcome.Kind]++
		refused := mapping != nil && has(mistakes, coaz.Invalid)
		for _, e := range outcome.Evaluations {
			if spoilt, isObject := m.spoil(jsonObject(e)).(jsonObject); isObject && !refused && m.sometimes(8) {
				e = spoilt
			}
			want := authZENAnswer(t, server, e)
			got := translatedAnswer(t, engine, e)
			answers[want]++
			if got != want && got != "unknown" {
				t.Fatalf("round %d: the PDP answers %s, here it is %s\n%s\n%s", round, want, got, schema.JSON(), asJSON(t, e))
			}
			if got == "unknown" {
				answers[got]++
			}
			refused = refused && want != "invalid"
		}
		if outcome.Kind == coaz.Asked && refused {
			t.Fatalf("round %d: the PDP takes it, and it is said to be invalid: %v\n%s", round, mistakes, schema.JSON())
		}
	}
	t.Logf("outcomes %v, answers %v", outcomes, answers)
	for _, answer := range []string{"allowed", "denied", "invalid"} {
		if answers[answer] < rounds.Of(50, 3000) {
			t.Errorf("only %d %s", answers[answer], answer)
		}
	}
	for _, kind := range []coaz.OutcomeKind{coaz.Asked, coaz.Refused, coaz.Unknown} {
		if outcomes[kind] < rounds.Of(20, 1000) {
			t.Errorf("only %d %s", outcomes[kind], kind)
		}
	}
}

// authZENAnswer asks the PDP: allowed, denied, or invalid.
func authZENAnswer(t *testing.T, server *cerbosbin.Server, e coaz.Evaluation) string {
	t.Helper()
	resp, err := http.Post("http://"+server.HTTPAddr+"/access/v1/evaluation", "application/json", bytes.NewReader(asJSON(t, e)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it has been read
	var body struct {
		Decision *bool
		Message  string
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	switch {
	case resp.StatusCode == http.StatusBadRequest:
		return "invalid"
	case resp.StatusCode != http.StatusOK || body.Decision == nil:
		t.Fatalf("status %d, %q\n%s", resp.StatusCode, body.Message, asJSON(t, e))
	case *body.Decision:
		return "allowed"
	}
	return "denied"
}

// translatedAnswer has the engine decide: allowed, denied, invalid or unknown.
func translatedAnswer(t *testing.T, engine *embedded.Engine, e coaz.Evaluation) string {
	t.Helper()
	r, err := coaz.Translate(e)
	var invalid *coaz.InvalidError
	switch {
	case errors.As(err, &invalid):
		return "invalid"
	case err != nil:
		return "unknown"
	case pdptest.Decide(t, engine, []authz.Request{r})[0].Effect == authz.Allow:
		return "allowed"
	}
	return "denied"
}

func parsed(t *testing.T, text []byte) *source.Node {
	t.Helper()
	n, err := source.ParseJSON("inventory.json", text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// has reports whether one of the mistakes is of a kind.
func has(err error, kind coaz.MistakeKind) bool {
	return slices.ContainsFunc(source.Mistakes(err), func(one error) bool {
		var m *coaz.Mistake
		return errors.As(one, &m) && m.Kind == kind
	})
}
