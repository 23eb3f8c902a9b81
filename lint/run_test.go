package lint_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

func insecure(t *testing.T) *world {
	t.Helper()
	w, err := load(t.Context(), dirFS("insecure"))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func run(t *testing.T, in *lint.Input, o lint.Options) []lint.Finding {
	t.Helper()
	list, err := lint.Run(t.Context(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestOptionsOnlyTakeAway runs each rule alone and leaves each out: what
// remains is what is found of those rules with all of them.
func TestOptionsOnlyTakeAway(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world, rule string) {
		rules := lint.IDs()
		if rule != "" {
			rules = []string{rule}
		}
		optionsOnlyTakeAway(t, w, rules)
	})
}

func optionsOnlyTakeAway(t *testing.T, w *world, rules []string) {
	t.Helper()
	in, err := w.input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := run(t, in, w.options(t))
	settled := map[string]bool{} // what is said with another finding, in whole or in part
	for _, f := range all {
		for _, x := range f.Explains {
			settled[x.Identity] = true
		}
	}
	plain := func(list []lint.Finding) []lint.Finding {
		list = slices.DeleteFunc(slices.Clone(list), func(f lint.Finding) bool { return settled[f.Identity()] })
		for i := range list {
			list[i].Explains = nil
		}
		return list
	}
	of := func(keep func(*lint.Finding) bool) []lint.Finding {
		return slices.DeleteFunc(plain(all), func(f lint.Finding) bool { return !keep(&f) })
	}
	for _, id := range rules {
		only := of(func(f *lint.Finding) bool { return f.Rule == id })
		if diff := cmp.Diff(only, plain(run(t, in, w.options(t, id))), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("only %s (-want +got):\n%s", id, diff)
		}
		others := of(func(f *lint.Finding) bool { return f.Rule != id })
		skip := w.options(t)
		skip.Skip = []string{id}
		if diff := cmp.Diff(others, plain(run(t, in, skip)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("skip %s (-want +got):\n%s", id, diff)
		}
		off := w.options(t)
		off.Severity[id] = authz.SeverityOff
		if diff := cmp.Diff(others, plain(run(t, in, off)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s off (-want +got):\n%s", id, diff)
		}
	}
}

// TestOrderOfPrincipals shuffles the principals, of which there are twins that
// share a class.
func TestOrderOfPrincipals(t *testing.T) {
	t.Parallel()
	w := insecure(t)
	for _, p := range slices.Clone(w.principals) {
		for _, suffix := range []string{"-2", "-3"} {
			twin := *p
			twin.Key += suffix
			w.principals = append(w.principals, &twin)
		}
	}
	var want []lint.Finding
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 10 {
		in, err := w.input(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, in, w.options(t))
		if i == 0 {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("after %d shuffles (-want +got):\n%s", i, diff)
		}
		random.Shuffle(len(w.principals), func(i, j int) {
			w.principals[i], w.principals[j] = w.principals[j], w.principals[i]
		})
	}
}

// TestFindings checks what every finding has, and that each rule has some.
func TestFindings(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world, rule string) {
		in, err := w.input(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list := run(t, in, w.options(t))
		checkFindings(t, list)
		if rule != "" && !slices.ContainsFunc(list, func(f lint.Finding) bool { return f.Rule == rule }) {
			t.Errorf("nothing is found of %s in its own world", rule)
		}
	})
}

func checkFindings(t *testing.T, list []lint.Finding) {
	t.Helper()
	for _, f := range list {
		r, err := lint.Find(f.Rule)
		if err != nil {
			t.Fatal(err)
		}
		if f.Family != r.Family || f.Severity == authz.SeverityOff || f.Message == "" || f.Fix == "" || f.Pos.Line == 0 {
			t.Errorf("%s: something is missing: %+v", f.Rule, f)
		}
		if f.Confidence < r.Confidence || f.Confidence > max(r.Confidence, r.Least) {
			t.Errorf("%s: %s is of %v confidence, which the rule does not say", f.Rule, f.Message, f.Confidence)
		}
		if len(f.Evidence)+len(f.Related) == 0 {
			t.Errorf("%s: no evidence", f.Message)
		}
		if strings.Contains(f.Message, "\n") || strings.HasSuffix(f.Message, ".") {
			t.Errorf("%q: a message is one line without a period", f.Message)
		}
	}
}

// TestBareMatrix lints without policies at hand, and without principals.
func TestBareMatrix(t *testing.T) {
	t.Parallel()
	w := insecure(t)
	for _, principals := range [][]*authz.Principal{w.principals, nil} {
		m, err := matrix.Build(t.Context(), &matrix.Input{Servers: w.servers, Principals: principals, Decider: w.engine})
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, f := range run(t, &lint.Input{Matrix: m}, lint.Options{}) {
			found[f.Rule] = true
		}
		for _, id := range []string{"operation-not-enforced", "duplicate-name"} {
			if !found[id] {
				t.Errorf("%d principals: nothing found of %s", len(principals), id)
			}
		}
		if found["tool-without-rule"] || found["rule-matches-nothing"] || found["role-not-held"] {
			t.Errorf("%d principals: something found about rules that are not at hand", len(principals))
		}
	}
}

func TestOptionMistakes(t *testing.T) {
	t.Parallel()
	in, err := insecure(t).input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pos := source.Pos{File: "mcpolicy.yaml", Line: 7, Col: 5}
	for _, test := range []struct {
		options lint.Options
		want    string
	}{
		{lint.Options{Only: []string{"wildcard-rule"}}, `no rule is called "wildcard-rule" (did you mean wildcard-role?)`},
		{lint.Options{Skip: []string{"nope"}}, `no rule is called "nope"`},
		{lint.Options{Severity: map[string]authz.Severity{"x": authz.SeverityOff}}, `no rule is called "x"`},
		{
			lint.Options{Waivers: []lint.Waiver{{Rule: "invalid-glop", Reason: "why not", Pos: pos}}},
			`mcpolicy.yaml:7:5: waiver: no rule is called "invalid-glop" (did you mean invalid-glob?)`,
		},
		{
			lint.Options{Waivers: []lint.Waiver{{Rule: "invalid-glob", Pos: pos}}},
			`mcpolicy.yaml:7:5: waiver: a reason is missing`,
		},
	} {
		if _, err := lint.Run(t.Context(), in, test.options); err == nil || err.Error() != test.want {
			t.Errorf("error %v, want %s", err, test.want)
		}
	}
}

// TestFailures holds that what could not be asked is an error, no finding and
// no silence.
func TestFailures(t *testing.T) {
	t.Parallel()
	in, err := insecure(t).input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	in.Engine = brokenSchemas{in.Engine, broken}
	if _, err := lint.Run(t.Context(), in, lint.Options{}); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of Validate", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in.Engine = nil
	if _, err := lint.Run(ctx, in, lint.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestWaiverExpired(t *testing.T) {
	t.Parallel()
	day := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		expires, now time.Time
		want         bool
	}{
		{time.Time{}, now, false},
		{time.Time{}, time.Time{}, false},
		{day, now, false},
		{day, day.Add(24*time.Hour - time.Nanosecond), false},
		{day, day.Add(24 * time.Hour), true},
		{day, time.Time{}, true},
	} {
		w := lint.Waiver{Expires: test.expires}
		if got := w.Expired(test.now); got != test.want {
			t.Errorf("expires %v, now %v: expired %t", test.expires, test.now, got)
		}
	}
}

// TestFindingsKeepWhatTheyAreAbout holds that joining findings loses none of the
// items and principals.
func TestFindingsKeepWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	in, err := insecure(t).input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	several, opened := 0, false
	for _, f := range run(t, in, lint.Options{}) {
		if len(f.Items) > 1 || len(f.Principals) > 1 {
			several++
		}
		if f.Name != "" && (len(f.Items) != 1 || f.Items[0] != (lint.Item{Server: f.Server, Type: f.Type, Name: f.Name})) {
			t.Errorf("%s: %s is about %q and lists %v", f.Rule, f.Message, f.Name, f.Items)
		}
		if f.Principal != "" && !slices.Equal(f.Principals, []string{f.Principal}) {
			t.Errorf("%s: %s is about %q and lists %v", f.Rule, f.Message, f.Principal, f.Principals)
		}
		if f.Rule == "wildcard-action" && strings.Contains(f.Message, "9 tools") {
			opened = true
			var names []string
			for _, i := range f.Items {
				names = append(names, i.Name)
			}
			if len(names) != 9 || !slices.Contains(names, "approve_order") {
				t.Errorf("%s lists %v", f.Message, names)
			}
		}
	}
	if several < 5 || !opened {
		t.Errorf("%d findings are about several; one is about nine tools: %t", several, opened)
	}
}
