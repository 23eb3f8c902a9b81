package testgen_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/testgen"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// An expectation is what a generated case says of a call.
type expectation struct {
	what     string
	requests []authz.Request
	allowed  bool // all of them
}

// TestDifferentialGenerated holds what generated suites say to the official PDP: each case with
// arguments, and of each that says the same for all arguments some calls.
func TestDifferentialGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	dir := t.TempDir()
	var list []expectation
	for seed, worlds := 0, 0; worlds < rounds.Of(6, 300); seed++ {
		w := newWorld(uint64(seed) + 5000)
		if w.strict {
			continue // that is the PDP's own
		}
		w.rename(worlds)
		worlds++
		opened := w.open(t)
		in, err := opened.Generation(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		made, err := testgen.Generate(t.Context(), in)
		if err != nil {
			t.Fatalf("%v\n%s", err, w)
		}
		suites, err := testrunner.Parse("generated.yaml", made.Text)
		if err != nil {
			t.Fatal(err)
		}
		ran, err := testrunner.Run(t.Context(), &testrunner.Input{Suites: suites, Matrix: in.Matrix, Groups: in.Groups})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, expected(ran, rand.New(rand.NewPCG(uint64(seed), 3)), w.String())...)
		if err := os.WriteFile(filepath.Join(dir, w.kind+".yaml"), w.files()["policies/p.yaml"].Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	official, err := remote.Dial(t.Context(), cerbosbin.Serve(t, dir, map[string]any{"schema": map[string]any{"enforcement": "none"}}), remote.Options{Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = official.Close() })
	var requests []authz.Request
	for _, x := range list {
		requests = append(requests, x.requests...)
	}
	decisions, err := official.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	differences := 0
	for _, x := range list {
		allowed := true
		for range x.requests {
			allowed = allowed && decisions[0].Effect == authz.Allow
			decisions = decisions[1:]
		}
		if allowed != x.allowed {
			if differences++; differences < 5 {
				t.Errorf("%s: the suites say %t", x.what, x.allowed)
			}
		}
	}
	t.Logf("%d decisions on %d calls, %d differences", len(requests), len(list), differences)
	if len(list) == 0 {
		t.Error("nothing was compared")
	}
}

// expected returns what the cases of suites that pass say of calls.
func expected(ran *testrunner.Result, r *rand.Rand, story string) []expectation {
	var list []expectation
	some := calls()
	for _, e := range ran.Engines() {
		for _, c := range e.Cases {
			if c.Cell.Access != matrix.Allowed && c.Cell.Access != matrix.Denied || c.Cell.Settlement.BySchema {
				continue
			}
			arguments := []map[string]any{c.Arguments}
			if c.Arguments == nil && c.Operation.TakesArguments() {
				arguments = []map[string]any{{}}
				for range 8 {
					arguments = append(arguments, some[r.IntN(len(some))])
				}
			}
			for _, a := range arguments {
				x := expectation{what: fmt.Sprintf("%s %v: %s\n%s", c.Pos, a, c.Test, story), allowed: c.Cell.Access == matrix.Allowed}
				for _, request := range c.Requests() {
					x.requests = append(x.requests, pep.Bind(request, a))
				}
				list = append(list, x)
			}
		}
	}
	return list
}

// rename gives a world a kind and expressions of its own: of rules that have the same
// expressions Cerbos may take one for another.
func (w *world) rename(number int) {
	w.kind = fmt.Sprintf("dock%d", number)
	for i := range w.rules {
		w.rules[i] = strings.ReplaceAll(w.rules[i], "expr: '", fmt.Sprintf("expr: '%d > 0 && ", number+1))
	}
}
