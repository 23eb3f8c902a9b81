package embedded_test

import (
	"context"
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

func sortedKeys(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

// openly leaves the arguments of requests open.
func openly(requests []authz.Request) []authz.Request {
	list := slices.Clone(requests)
	for i := range list {
		list[i].Unknown = []string{"arguments"}
		list[i].Resource.Attr = maps.Clone(list[i].Resource.Attr)
		delete(list[i].Resource.Attr, "arguments")
	}
	return list
}

// TestNarrowTables holds engines whose tables are loaded in part, for whatever kinds
// they happen to be asked about, one batch after the other, to one that has loaded
// all, in everything that they say.
func TestNarrowTables(t *testing.T) {
	ctx := t.Context()
	for seed := range uint64(rounds.Of(1, 6)) {
		c := newCompany(seed, 24)
		for _, strict := range []bool{false, true} {
			options := pdp.Options{StrictEvaluation: strict, LenientScopeSearch: seed%3 == 1}
			for range rounds.Of(1, 2) {
				e, err := embedded.Open(ctx, c.fsys(), options)
				if err != nil {
					t.Fatal(err)
				}
				if groups := e.Confused(); len(groups) > 0 || !embedded.Narrow(e) {
					t.Fatalf("confused: %v, narrow: %v", groups, embedded.Narrow(e))
				}
				whole, err := embedded.Whole(e)
				if err != nil {
					t.Fatal(err)
				}
				for range 5 { // the later ones ask for more than was loaded, and in the end for all
					sameAnswers(ctx, t, e, whole, c.requests(2, rounds.Of(15, 40)))
				}
			}
		}
	}
}

func sameAnswers(ctx context.Context, t *testing.T, e, whole *embedded.Engine, requests []authz.Request) {
	t.Helper()
	for _, list := range [][]authz.Request{requests, openly(requests)} {
		got, want := pdptest.Decide(t, e, list), pdptest.Decide(t, whole, list)
		for i := range got {
			if diff := cmp.Diff(want[i], got[i]); diff != "" {
				r := list[i]
				t.Fatalf("%s on %s %q %q for %s %v (-whole +part):\n%s", r.Action, r.Resource.Kind, r.Resource.PolicyVersion, r.Resource.Scope, r.Principal.ID, r.Principal.Roles, diff)
			}
			for _, ref := range got[i].Rules[:min(1, len(got[i].Rules))] {
				sameWithout(ctx, t, e, whole, list, ref.ID)
			}
		}
	}
	for _, r := range requests[:5] {
		got, err := e.ByRole(ctx, r)
		want, err2 := whole.ByRole(ctx, r)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("by role (-whole +part):\n%s", diff)
		}
	}
	tries := func(e *embedded.Engine) []pdp.Outcome {
		var trials []pdp.Trial
		for i, c := range e.Conditions() {
			trials = append(trials, pdp.Trial{Condition: c, Request: requests[i%len(requests)]})
		}
		outcomes, err := e.Try(ctx, trials)
		if err != nil {
			t.Fatal(err)
		}
		return outcomes
	}
	if diff := cmp.Diff(tries(whole), tries(e)); diff != "" {
		t.Errorf("conditions tried (-whole +part):\n%s", diff)
	}
	if got, want := e.RuleReads(), whole.RuleReads(); !reflect.DeepEqual(got, want) {
		t.Errorf("reads: %v, of the whole %v", got, want)
	}
}

var triedWithout = map[string]bool{}

// sameWithout compares the engines less a rule.
func sameWithout(ctx context.Context, t *testing.T, e, whole *embedded.Engine, requests []authz.Request, rule string) {
	t.Helper()
	if triedWithout[rule] || len(triedWithout) > rounds.Of(6, 100) {
		return
	}
	triedWithout[rule] = true
	part, err := e.Without([]string{rule})
	if err != nil {
		t.Fatal(err)
	}
	all, err := whole.Without([]string{rule})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pdptest.Decide(t, all, requests), pdptest.Decide(t, part, requests)); diff != "" {
		t.Errorf("without %s (-whole +part):\n%s", rule, diff)
	}
}

// TestDifferentialKinds holds engines that have loaded parts of a folder's policies
// to a PDP that has loaded all.
func TestDifferentialKinds(t *testing.T) {
	c := newCompany(2026, rounds.Of(30, 90))
	dir := c.write(t)
	official := pdptest.Dial(t, cerbosbin.Serve(t, dir, nil), remote.Options{})
	decisions, allowed, differ := 0, 0, 0
	for range rounds.Of(4, 50) {
		e, err := embedded.Open(t.Context(), os.DirFS(dir), pdp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if groups := e.Confused(); len(groups) > 0 || !embedded.Narrow(e) {
			t.Fatalf("confused: %v, narrow: %v", groups, embedded.Narrow(e))
		}
		for range 5 {
			requests := c.requests(2, 100)
			want := pdptest.Decide(t, official, requests)
			for i, d := range pdptest.Decide(t, e, requests) {
				decisions++
				if d.Effect == authz.Allow {
					allowed++
				}
				if d.Effect != want[i].Effect {
					if differ++; differ < 10 {
						t.Errorf("%+v for %v: %v, the PDP %v", requests[i].Resource, requests[i].Principal, d.Effect, want[i].Effect)
					}
				}
			}
		}
	}
	t.Logf("%d decisions, %d of them allowed, %d differences", decisions, allowed, differ)
	if allowed < decisions/50 {
		t.Error("hardly anything is allowed, so that a denial shows nothing")
	}
}

// TestKindsAskedAtOnce holds that a table is loaded again a few times at most, however
// many kinds are asked about one after the other, and from several goroutines.
func TestKindsAskedAtOnce(t *testing.T) {
	c := newCompany(5, 60)
	e, err := embedded.Open(t.Context(), c.fsys(), pdp.Options{Workers: 8})
	if err != nil {
		t.Fatal(err)
	}
	requests := c.requests(60, 400)
	sequential := make([]authz.Decision, len(requests))
	for i := range requests {
		sequential[i] = pdptest.Decide(t, e, requests[i:i+1])[0]
	}
	if n := embedded.Widened(e); n > 3 {
		t.Errorf("tables were loaded for %d sets of kinds", n)
	}
	fresh, err := embedded.Open(t.Context(), c.fsys(), pdp.Options{Workers: 8})
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range pdptest.Decide(t, fresh, requests) {
		if d.Effect != sequential[i].Effect || d.NoPolicy != sequential[i].NoPolicy {
			t.Errorf("%+v: %v at once, %v one by one", requests[i].Resource, d.Effect, sequential[i].Effect)
		}
	}
}
